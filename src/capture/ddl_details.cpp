// What a command says beside the name of its object: parts of ALTER TABLE, roles. Names alone, no values.

#include "capture/ddl.hpp"

extern "C" {
#include "utils/builtins.h"  // for quote_identifier
}

namespace assist::capture {

const char* role_name(const RoleSpec* role) {
  if (role == nullptr) return "ALL";
  if (role->roletype == ROLESPEC_CSTRING) return role->rolename;
  if (role->roletype == ROLESPEC_PUBLIC) return "PUBLIC";
  const Oid id = role->roletype == ROLESPEC_SESSION_USER ? GetSessionUserId() : GetUserId();
  const char* name = GetUserNameFromId(id, true);
  return name != nullptr ? name : "";
}

const char* sub_command(const AlterTableCmd* command) {
  const char* name = command->name;
  const char* what = "...";
  switch (command->subtype) {
    case AT_AddColumn:
      what = "ADD COLUMN";
      if (command->def != nullptr && IsA(command->def, ColumnDef)) name = as<ColumnDef>(command->def)->colname;
      break;
    case AT_ColumnDefault: what = command->def != nullptr ? "SET DEFAULT" : "DROP DEFAULT"; break;
    case AT_DropNotNull: what = "DROP NOT NULL"; break;
    case AT_SetNotNull: what = "SET NOT NULL"; break;
    case AT_SetStatistics: what = "SET STATISTICS"; break;
    case AT_SetOptions: what = "SET OPTIONS"; break;
    case AT_SetStorage: what = "SET STORAGE"; break;
    case AT_SetCompression: what = "SET COMPRESSION"; break;
    case AT_DropColumn: what = "DROP COLUMN"; break;
    case AT_AddConstraint:
      what = "ADD CONSTRAINT";
      if (command->def != nullptr && IsA(command->def, Constraint)) name = as<Constraint>(command->def)->conname;
      break;
    case AT_AlterConstraint: what = "ALTER CONSTRAINT"; break;
    case AT_ValidateConstraint: what = "VALIDATE CONSTRAINT"; break;
    case AT_DropConstraint: what = "DROP CONSTRAINT"; break;
    case AT_AlterColumnType: what = "ALTER COLUMN TYPE"; break;
    case AT_ChangeOwner: return psprintf("OWNER TO %s", role_name(command->newowner));
    case AT_ClusterOn: what = "CLUSTER ON"; break;
    case AT_SetLogged: what = "SET LOGGED"; break;
    case AT_SetUnLogged: what = "SET UNLOGGED"; break;
    case AT_SetAccessMethod: what = "SET ACCESS METHOD"; break;
    case AT_SetTableSpace: what = "SET TABLESPACE"; break;
    case AT_SetRelOptions:
    case AT_ResetRelOptions: {
      what = command->subtype == AT_SetRelOptions ? "SET" : "RESET";
      name = command->def != nullptr && IsA(command->def, List) && as<List>(command->def)->length > 0
                 ? linitial_node(DefElem, as<List>(command->def))->defname
                 : nullptr;
      break;
    }
    case AT_EnableTrig:
    case AT_EnableAlwaysTrig:
    case AT_EnableReplicaTrig:
    case AT_EnableTrigAll:
    case AT_EnableTrigUser: what = "ENABLE TRIGGER"; break;
    case AT_DisableTrig:
    case AT_DisableTrigAll:
    case AT_DisableTrigUser: what = "DISABLE TRIGGER"; break;
    case AT_AddInherit: what = "INHERIT"; break;
    case AT_DropInherit: what = "NO INHERIT"; break;
    case AT_EnableRowSecurity: what = "ENABLE ROW LEVEL SECURITY"; break;
    case AT_DisableRowSecurity: what = "DISABLE ROW LEVEL SECURITY"; break;
    case AT_AttachPartition:
    case AT_DetachPartition:
      what = command->subtype == AT_AttachPartition ? "ATTACH PARTITION" : "DETACH PARTITION";
      if (command->def != nullptr && IsA(command->def, PartitionCmd))
        name = as<PartitionCmd>(command->def)->name->relname;
      break;
    default: break;
  }
  return name != nullptr ? psprintf("%s %s", what, quote_identifier(name)) : what;
}

}  // namespace assist::capture

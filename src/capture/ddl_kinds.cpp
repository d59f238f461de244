// Which statements are events.

#include "capture/ddl.hpp"

extern "C" {
#include "catalog/pg_class.h"  // for RELPERSISTENCE_TEMP
}

namespace assist::capture {

int count_objects(const Node* tree) {
  switch (nodeTag(tree)) {
    case T_DropStmt: return list_length(as<DropStmt>(tree)->objects);
    case T_TruncateStmt: return list_length(as<TruncateStmt>(tree)->relations);
    case T_DropRoleStmt: return list_length(as<DropRoleStmt>(tree)->roles);
    case T_VacuumStmt: {
      const int named = list_length(as<VacuumStmt>(tree)->rels);
      return named > 0 ? named : 1;
    }
    case T_CreateStmt:
      return as<CreateStmt>(tree)->relation->relpersistence == RELPERSISTENCE_TEMP ? 0 : 1;
    case T_CreateTableAsStmt:
      return as<CreateTableAsStmt>(tree)->into->rel->relpersistence == RELPERSISTENCE_TEMP ? 0 : 1;
    case T_CreateForeignTableStmt:
    case T_CreateSeqStmt:
    case T_CompositeTypeStmt:
    case T_ViewStmt:
    case T_IndexStmt:
    case T_AlterTableStmt:
    case T_AlterSeqStmt:
    case T_RenameStmt:
    case T_AlterObjectSchemaStmt:
    case T_AlterOwnerStmt:
    case T_CreateTrigStmt:
    case T_CreatePolicyStmt:
    case T_AlterPolicyStmt:
    case T_RuleStmt:
    case T_RefreshMatViewStmt:
    case T_ReindexStmt:
    case T_ClusterStmt:
    case T_CreateFunctionStmt:
    case T_AlterFunctionStmt:
    case T_DefineStmt:
    case T_CreateEnumStmt:
    case T_CreateRangeStmt:
    case T_CreateDomainStmt:
    case T_CreateConversionStmt:
    case T_AlterEnumStmt:
    case T_AlterDomainStmt:
    case T_AlterTypeStmt:
    case T_CreateStatsStmt:
    case T_AlterStatsStmt:
    case T_CreateSchemaStmt:
    case T_CreateExtensionStmt:
    case T_AlterExtensionStmt:
    case T_AlterExtensionContentsStmt:
    case T_AlterSystemStmt:
    case T_AlterDatabaseSetStmt:
    case T_AlterRoleSetStmt:
    case T_CreateRoleStmt:
    case T_AlterRoleStmt:
    case T_DropOwnedStmt:
    case T_ReassignOwnedStmt:
    case T_CreatedbStmt:
    case T_DropdbStmt:
    case T_AlterDatabaseStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_AlterTableSpaceOptionsStmt:
    case T_AlterTableMoveAllStmt:
    case T_CreateFdwStmt:
    case T_AlterFdwStmt:
    case T_CreateForeignServerStmt:
    case T_AlterForeignServerStmt:
    case T_CreateUserMappingStmt:
    case T_AlterUserMappingStmt:
    case T_DropUserMappingStmt:
    case T_ImportForeignSchemaStmt:
    case T_CreateSubscriptionStmt:
    case T_AlterSubscriptionStmt:
    case T_DropSubscriptionStmt:
    case T_CreatePublicationStmt:
    case T_AlterPublicationStmt:
    case T_CreateEventTrigStmt:
    case T_AlterEventTrigStmt:
    case T_CreatePLangStmt:
    case T_CreateAmStmt:
    case T_CreateCastStmt:
    case T_CreateTransformStmt:
    case T_CreateOpClassStmt:
    case T_CreateOpFamilyStmt:
    case T_AlterOpFamilyStmt:
    case T_AlterOperatorStmt:
    case T_AlterCollationStmt:
    case T_AlterTSDictionaryStmt:
    case T_AlterTSConfigurationStmt:
      return 1;
    default:
      return 0;
  }
}

}  // namespace assist::capture

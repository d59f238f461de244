// What a statement is about, by its parse tree and, where that is cheap, by the catalogs.

#include "capture/ddl.hpp"

extern "C" {
#include "catalog/index.h"  // for IndexGetRelation
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"  // for get_database_oid
#include "commands/defrem.h"      // for defGetBoolean
#include "commands/extension.h"   // for get_extension_oid
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"  // for TypeNameToString
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace assist::capture {

namespace {

struct Naming {
  Ddl* ddl;
  int most;
  bool lookup;  // catalogs may be read: nobody holds them for himself
};

void put_text(char* to, int size, const char* text) {
  const auto length = static_cast<int>(strlen(text));
  const int fits = length < size ? length : pg_mbcliplen(text, length, size - 1);
  memcpy(to, text, static_cast<Size>(fits));
  to[fits] = '\0';
}
void put_object(Event* event, const char* text) { put_text(event->object, sizeof event->object, text); }
void put_detail(Event* event, const char* text) { put_text(event->detail, sizeof event->detail, text); }

// The next event of the command; nullptr: no room.
Event* add(Naming* n, const char* object) {
  if (n->ddl->count == n->most) {
    ++n->ddl->more;
    return nullptr;
  }
  Event* event = &n->ddl->events[n->ddl->count++];
  event->dbid = MyDatabaseId;
  if (object != nullptr) put_object(event, object);
  return event;
}

Event* add_for_server(Naming* n, const char* object) {
  Event* event = add(n, object);
  if (event != nullptr) event->dbid = InvalidOid;
  return event;
}

const char* qualified(Oid schema, const char* name) {
  const char* schema_name = get_namespace_name(schema);
  return schema_name != nullptr ? quote_qualified_identifier(schema_name, name) : quote_identifier(name);
}

const char* written(const Node* object);
const char* written_list(const List* list);
const char* written(const RangeVar* name) { return quote_qualified_identifier(name->schemaname, name->relname); }

// Of an index the table, else the relation itself.
Oid table_of(Oid relid) {
  const char kind = get_rel_relkind(relid);
  return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ? IndexGetRelation(relid, true) : relid;
}

bool names_temporary(const RangeVar* name) {
  return name->relpersistence == RELPERSISTENCE_TEMP ||
         (name->schemaname != nullptr && strcmp(name->schemaname, "pg_temp") == 0);
}

// A relation that is there; `part` is a trigger, policy or rule on it. nullptr: not there, or temporary.
Event* add_relation(Naming* n, const RangeVar* name, const char* part = nullptr) {
  if (name == nullptr) return add(n, part);
  Oid relid = InvalidOid;
  const char* full = written(name);
  if (n->lookup) {
    relid = RangeVarGetRelid(name, NoLock, true);
    if (!OidIsValid(relid)) return nullptr;
    const Oid schema = get_rel_namespace(relid);
    const char* known = get_rel_name(relid);
    if (isAnyTempNamespace(schema) || known == nullptr) return nullptr;
    full = qualified(schema, known);
  } else if (names_temporary(name)) {
    return nullptr;
  }
  Event* event = add(n, part != nullptr ? psprintf("%s on %s", quote_identifier(part), full) : full);
  if (event != nullptr && OidIsValid(relid)) event->relation = table_of(relid);
  return event;
}

// A relation to be. nullptr: temporary, or `or_not` and there already.
Event* add_new_relation(Naming* n, const RangeVar* name, bool or_not) {
  if (names_temporary(name)) return nullptr;
  if (!n->lookup) return add(n, written(name));
  const Oid schema = RangeVarGetCreationNamespace(name);
  if (isAnyTempNamespace(schema)) return nullptr;
  if (or_not && OidIsValid(get_relname_relid(name->relname, schema))) return nullptr;
  return add(n, qualified(schema, name->relname));
}

// A function, type or the like to be, by the list of its names.
Event* add_new_named(Naming* n, List* names) {
  if (!n->lookup || names == NIL) return add(n, names != NIL ? written_list(names) : nullptr);
  char* name;
  const Oid schema = QualifiedNameGetCreationNamespace(names, &name);
  if (isAnyTempNamespace(schema)) return nullptr;
  return add(n, qualified(schema, name));
}

// The names of an object; of a cast or the like there are types among them, and no one name.
const char* written_list(const List* list) {
  StringInfoData text;
  initStringInfo(&text);
  ListCell* cell;
  bool qualified_name = true;
  foreach (cell, list)
    if (!IsA(lfirst(cell), String)) qualified_name = false;
  foreach (cell, list) {
    const char* name = written(static_cast<const Node*>(lfirst(cell)));
    if (name == nullptr) continue;
    if (text.len > 0) appendStringInfoString(&text, qualified_name ? "." : ", ");
    appendStringInfoString(&text, name);
  }
  return text.data;
}

// What an object is called in the statement; nullptr: nothing that is a name.
const char* written(const Node* object) {
  if (object == nullptr) return nullptr;
  switch (nodeTag(object)) {
    case T_List:
      return written_list(as<List>(object));
    case T_TypeName:
      return TypeNameToString(as<TypeName>(object));
    case T_ObjectWithArgs:
      return written_list(as<ObjectWithArgs>(object)->objname);
    case T_String:
      return quote_identifier(strVal(const_cast<Node*>(object)));
    default:
      return nullptr;
  }
}

Event* add_written(Naming* n, const Node* object) { return add(n, written(object)); }
Event* add_names(Naming* n, List* names) { return add_written(n, reinterpret_cast<const Node*>(names)); }

void add_roles(Naming* n, List* roles) {
  ListCell* cell;
  foreach (cell, roles) add_for_server(n, role_name(lfirst_node(RoleSpec, cell)));
}

bool is_relation_kind(ObjectType type) {
  return type == OBJECT_TABLE || type == OBJECT_INDEX || type == OBJECT_VIEW || type == OBJECT_MATVIEW ||
         type == OBJECT_SEQUENCE || type == OBJECT_FOREIGN_TABLE;
}

bool is_part_of_relation(ObjectType type) {
  return type == OBJECT_TRIGGER || type == OBJECT_POLICY || type == OBJECT_RULE;
}

void add_dropped(Naming* n, const DropStmt* drop) {
  ListCell* cell;
  foreach (cell, drop->objects) {
    auto* object = static_cast<Node*>(lfirst(cell));
    Event* event;
    if (is_relation_kind(drop->removeType)) {
      event = add_relation(n, makeRangeVarFromNameList(reinterpret_cast<List*>(object)));
    } else if (is_part_of_relation(drop->removeType)) {
      List* names = list_copy(reinterpret_cast<List*>(object));
      const char* part = strVal(llast(names));
      names = list_truncate(names, list_length(names) - 1);
      event = add_relation(n, makeRangeVarFromNameList(names), part);
    } else {
      event = add_written(n, object);
    }
    if (event == nullptr) continue;
    if (drop->concurrent)
      put_detail(event, "CONCURRENTLY");
    else if (drop->behavior == DROP_CASCADE)
      put_detail(event, "CASCADE");
  }
}

void add_altered_table(Naming* n, const AlterTableStmt* alter) {
  Event* event = add_relation(n, alter->relation);
  if (event == nullptr) return;
  StringInfoData text;
  initStringInfo(&text);
  ListCell* cell;
  foreach (cell, alter->cmds) {
    if (text.len > static_cast<int>(sizeof event->detail)) break;
    if (text.len > 0) appendStringInfoString(&text, ", ");
    appendStringInfoString(&text, sub_command(lfirst_node(AlterTableCmd, cell)));
  }
  put_detail(event, text.data);
}

bool option_is_on(List* options, const char* name) {
  ListCell* cell;
  foreach (cell, options) {
    auto* option = lfirst_node(DefElem, cell);
    if (strcmp(option->defname, name) == 0) return defGetBoolean(option);
  }
  return false;
}

void add_vacuum(Naming* n, const VacuumStmt* vacuum) {
  const char* detail = option_is_on(vacuum->options, "full")     ? "FULL"
                       : option_is_on(vacuum->options, "freeze") ? "FREEZE"
                       : vacuum->is_vacuumcmd && option_is_on(vacuum->options, "analyze") ? "ANALYZE"
                                                                                           : "";
  if (vacuum->rels == NIL) {
    Event* event = add(n, nullptr);
    if (event != nullptr) put_detail(event, detail);
  }
  ListCell* cell;
  foreach (cell, vacuum->rels) {
    Event* event = add_relation(n, lfirst_node(VacuumRelation, cell)->relation);
    if (event != nullptr) put_detail(event, detail);
  }
}

// Of a setting its name alone: the value may be a secret.
void put_setting(Event* event, const VariableSetStmt* set) {
  if (event == nullptr) return;
  put_detail(event, set->kind == VAR_RESET_ALL ? "RESET ALL"
                    : set->kind == VAR_RESET   ? psprintf("RESET %s", set->name)
                                               : psprintf("SET %s", set->name));
}

void add_database_setting(Naming* n, const AlterDatabaseSetStmt* alter) {
  Event* event = add(n, alter->dbname);
  if (event == nullptr) return;
  if (ConditionalLockRelationOid(DatabaseRelationId, AccessShareLock)) {
    event->dbid = get_database_oid(alter->dbname, true);
    UnlockRelationOid(DatabaseRelationId, AccessShareLock);
  }
  put_setting(event, alter->setstmt);
}

void add_role_setting(Naming* n, const AlterRoleSetStmt* alter) {
  const char* role = role_name(alter->role);
  Event* event = add_for_server(n, alter->database != nullptr ? psprintf("%s in %s", role, alter->database) : role);
  put_setting(event, alter->setstmt);
}

void add_renamed(Naming* n, const RenameStmt* rename) {
  Event* event;
  const char* what = "RENAME TO";
  if (rename->relation != nullptr) {
    const bool part = is_part_of_relation(rename->renameType);
    event = add_relation(n, rename->relation, part ? rename->subname : nullptr);
    if (rename->renameType == OBJECT_COLUMN || rename->renameType == OBJECT_TABCONSTRAINT)
      what = psprintf("RENAME %s TO", quote_identifier(rename->subname));
  } else if (rename->renameType == OBJECT_ROLE || rename->renameType == OBJECT_DATABASE ||
             rename->renameType == OBJECT_TABLESPACE) {
    event = add_for_server(n, rename->subname);
  } else {
    event = rename->object != nullptr ? add_written(n, rename->object) : add(n, rename->subname);
    if (rename->renameType == OBJECT_DOMCONSTRAINT) what = psprintf("RENAME %s TO", quote_identifier(rename->subname));
  }
  if (event != nullptr) put_detail(event, psprintf("%s %s", what, quote_identifier(rename->newname)));
}

void add_index(Naming* n, const IndexStmt* index) {
  if (n->lookup && index->if_not_exists && index->idxname != nullptr) {
    const Oid table = RangeVarGetRelid(index->relation, NoLock, true);
    if (OidIsValid(table) && OidIsValid(get_relname_relid(index->idxname, get_rel_namespace(table)))) return;
  }
  Event* event = add_relation(n, index->relation);
  if (event == nullptr) return;
  if (index->concurrent) put_detail(event, "CONCURRENTLY");
  n->ddl->concurrent_index = index->concurrent;
  n->ddl->watches = index->idxname == nullptr;
  if (index->idxname == nullptr)
    put_object(event, psprintf("on %s", pstrdup(event->object)));
  else if (OidIsValid(event->relation))
    put_object(event, qualified(get_rel_namespace(event->relation), index->idxname));
  else
    put_object(event, quote_identifier(index->idxname));
}

void add_statistics(Naming* n, const CreateStatsStmt* create) {
  Event* event = add_new_named(n, create->defnames);
  if (event == nullptr || !n->lookup || create->relations == NIL || !IsA(linitial(create->relations), RangeVar)) return;
  const RangeVar* table = linitial_node(RangeVar, create->relations);
  event->relation = RangeVarGetRelid(table, NoLock, true);
  if (create->defnames == NIL) put_object(event, psprintf("on %s", written(table)));
}

void add_all_relations(Naming* n, List* relations) {
  ListCell* cell;
  foreach (cell, relations) add_relation(n, lfirst_node(RangeVar, cell));
}

void add_reindex(Naming* n, const ReindexStmt* reindex) {
  const char* kinds[] = {"INDEX", "TABLE", "SCHEMA", "SYSTEM", "DATABASE"};
  Event* event = reindex->relation != nullptr ? add_relation(n, reindex->relation) : add(n, reindex->name);
  if (event == nullptr) return;
  put_detail(event, psprintf("%s%s", kinds[reindex->kind < 5 ? reindex->kind : 4],
                             option_is_on(reindex->params, "concurrently") ? " CONCURRENTLY" : ""));
}

// By the kind of statement. Each has either one object, or a list that count_objects() knows of.
void name_all(Naming* n, const Node* tree) {
  Event* event = nullptr;
  switch (nodeTag(tree)) {
    case T_CreateStmt:
    case T_CreateForeignTableStmt:
      add_new_relation(n, as<CreateStmt>(tree)->relation, as<CreateStmt>(tree)->if_not_exists);
      break;
    case T_CreateTableAsStmt:
      add_new_relation(n, as<CreateTableAsStmt>(tree)->into->rel, as<CreateTableAsStmt>(tree)->if_not_exists);
      break;
    case T_CreateSeqStmt:
      add_new_relation(n, as<CreateSeqStmt>(tree)->sequence, as<CreateSeqStmt>(tree)->if_not_exists);
      break;
    case T_CompositeTypeStmt: add_new_relation(n, as<CompositeTypeStmt>(tree)->typevar, false); break;
    case T_ViewStmt: add_new_relation(n, as<ViewStmt>(tree)->view, false); break;
    case T_IndexStmt: add_index(n, as<IndexStmt>(tree)); break;
    case T_AlterTableStmt: add_altered_table(n, as<AlterTableStmt>(tree)); break;
    case T_AlterSeqStmt: add_relation(n, as<AlterSeqStmt>(tree)->sequence); break;
    case T_RenameStmt: add_renamed(n, as<RenameStmt>(tree)); break;
    case T_AlterObjectSchemaStmt: {
      const auto* alter = as<AlterObjectSchemaStmt>(tree);
      event = alter->relation != nullptr ? add_relation(n, alter->relation) : add_written(n, alter->object);
      if (event != nullptr) put_detail(event, psprintf("SET SCHEMA %s", quote_identifier(alter->newschema)));
      break;
    }
    case T_AlterOwnerStmt: {
      const auto* alter = as<AlterOwnerStmt>(tree);
      event = alter->relation != nullptr ? add_relation(n, alter->relation) : add_written(n, alter->object);
      if (event != nullptr && (alter->objectType == OBJECT_DATABASE || alter->objectType == OBJECT_TABLESPACE))
        event->dbid = InvalidOid;
      if (event != nullptr) put_detail(event, psprintf("OWNER TO %s", role_name(alter->newowner)));
      break;
    }
    case T_DropStmt: add_dropped(n, as<DropStmt>(tree)); break;
    case T_TruncateStmt: add_all_relations(n, as<TruncateStmt>(tree)->relations); break;
    case T_CreateTrigStmt: add_relation(n, as<CreateTrigStmt>(tree)->relation, as<CreateTrigStmt>(tree)->trigname); break;
    case T_CreatePolicyStmt: add_relation(n, as<CreatePolicyStmt>(tree)->table, as<CreatePolicyStmt>(tree)->policy_name); break;
    case T_AlterPolicyStmt: add_relation(n, as<AlterPolicyStmt>(tree)->table, as<AlterPolicyStmt>(tree)->policy_name); break;
    case T_RuleStmt: add_relation(n, as<RuleStmt>(tree)->relation, as<RuleStmt>(tree)->rulename); break;
    case T_RefreshMatViewStmt:
      event = add_relation(n, as<RefreshMatViewStmt>(tree)->relation);
      if (event != nullptr && as<RefreshMatViewStmt>(tree)->concurrent) put_detail(event, "CONCURRENTLY");
      break;
    case T_ReindexStmt: add_reindex(n, as<ReindexStmt>(tree)); break;
    case T_ClusterStmt: add_relation(n, as<ClusterStmt>(tree)->relation); break;
    case T_VacuumStmt: add_vacuum(n, as<VacuumStmt>(tree)); break;
    case T_CreateFunctionStmt: add_new_named(n, as<CreateFunctionStmt>(tree)->funcname); break;
    case T_AlterFunctionStmt: add_names(n, as<AlterFunctionStmt>(tree)->func->objname); break;
    case T_DefineStmt: add_new_named(n, as<DefineStmt>(tree)->defnames); break;
    case T_CreateEnumStmt: add_new_named(n, as<CreateEnumStmt>(tree)->typeName); break;
    case T_CreateRangeStmt: add_new_named(n, as<CreateRangeStmt>(tree)->typeName); break;
    case T_CreateDomainStmt: add_new_named(n, as<CreateDomainStmt>(tree)->domainname); break;
    case T_CreateConversionStmt: add_new_named(n, as<CreateConversionStmt>(tree)->conversion_name); break;
    case T_AlterEnumStmt: add_names(n, as<AlterEnumStmt>(tree)->typeName); break;
    case T_AlterDomainStmt: add_names(n, as<AlterDomainStmt>(tree)->typeName); break;
    case T_AlterTypeStmt: add_names(n, as<AlterTypeStmt>(tree)->typeName); break;
    case T_CreateStatsStmt: add_statistics(n, as<CreateStatsStmt>(tree)); break;
    case T_AlterStatsStmt: add_names(n, as<AlterStatsStmt>(tree)->defnames); break;
    case T_CreateSchemaStmt: {
      const auto* create = as<CreateSchemaStmt>(tree);
      const char* name = create->schemaname != nullptr ? create->schemaname : role_name(create->authrole);
      if (!create->if_not_exists || !OidIsValid(get_namespace_oid(name, true))) add(n, quote_identifier(name));
      break;
    }
    case T_CreateExtensionStmt: {
      const auto* create = as<CreateExtensionStmt>(tree);
      if (!create->if_not_exists || !OidIsValid(get_extension_oid(create->extname, true)))
        add(n, quote_identifier(create->extname));
      break;
    }
    case T_AlterExtensionStmt: add(n, quote_identifier(as<AlterExtensionStmt>(tree)->extname)); break;
    case T_AlterExtensionContentsStmt: add(n, quote_identifier(as<AlterExtensionContentsStmt>(tree)->extname)); break;
    case T_AlterSystemStmt: put_setting(add_for_server(n, nullptr), as<AlterSystemStmt>(tree)->setstmt); break;
    case T_AlterDatabaseSetStmt: add_database_setting(n, as<AlterDatabaseSetStmt>(tree)); break;
    case T_AlterRoleSetStmt: add_role_setting(n, as<AlterRoleSetStmt>(tree)); break;
    case T_CreateRoleStmt: add_for_server(n, as<CreateRoleStmt>(tree)->role); break;
    case T_AlterRoleStmt: add_for_server(n, role_name(as<AlterRoleStmt>(tree)->role)); break;
    case T_DropRoleStmt: add_roles(n, as<DropRoleStmt>(tree)->roles); break;
    case T_DropOwnedStmt: add(n, nullptr); break;
    case T_ReassignOwnedStmt: add(n, nullptr); break;
    case T_CreatedbStmt: add_for_server(n, as<CreatedbStmt>(tree)->dbname); break;
    case T_DropdbStmt: add_for_server(n, as<DropdbStmt>(tree)->dbname); break;
    case T_AlterDatabaseStmt: add_for_server(n, as<AlterDatabaseStmt>(tree)->dbname); break;
    case T_CreateTableSpaceStmt: add_for_server(n, as<CreateTableSpaceStmt>(tree)->tablespacename); break;
    case T_DropTableSpaceStmt: add_for_server(n, as<DropTableSpaceStmt>(tree)->tablespacename); break;
    case T_AlterTableSpaceOptionsStmt: add_for_server(n, as<AlterTableSpaceOptionsStmt>(tree)->tablespacename); break;
    case T_CreateFdwStmt: add(n, as<CreateFdwStmt>(tree)->fdwname); break;
    case T_AlterFdwStmt: add(n, as<AlterFdwStmt>(tree)->fdwname); break;
    case T_CreateForeignServerStmt: add(n, as<CreateForeignServerStmt>(tree)->servername); break;
    case T_AlterForeignServerStmt: add(n, as<AlterForeignServerStmt>(tree)->servername); break;
    case T_CreateUserMappingStmt: add(n, as<CreateUserMappingStmt>(tree)->servername); break;
    case T_AlterUserMappingStmt: add(n, as<AlterUserMappingStmt>(tree)->servername); break;
    case T_DropUserMappingStmt: add(n, as<DropUserMappingStmt>(tree)->servername); break;
    case T_ImportForeignSchemaStmt: add(n, as<ImportForeignSchemaStmt>(tree)->server_name); break;
    case T_CreateSubscriptionStmt: add(n, as<CreateSubscriptionStmt>(tree)->subname); break;
    case T_AlterSubscriptionStmt: add(n, as<AlterSubscriptionStmt>(tree)->subname); break;
    case T_DropSubscriptionStmt: add(n, as<DropSubscriptionStmt>(tree)->subname); break;
    case T_CreatePublicationStmt: add(n, as<CreatePublicationStmt>(tree)->pubname); break;
    case T_AlterPublicationStmt: add(n, as<AlterPublicationStmt>(tree)->pubname); break;
    case T_CreateEventTrigStmt: add(n, as<CreateEventTrigStmt>(tree)->trigname); break;
    case T_AlterEventTrigStmt: add(n, as<AlterEventTrigStmt>(tree)->trigname); break;
    default: add(n, nullptr); break;
  }
}

}  // namespace

void name_before(Ddl* ddl, int most) {
  // Whoever rewrites a catalog has it for himself, and reading it would wait for him.
  static constexpr Oid kCatalogs[] = {RelationRelationId, NamespaceRelationId, IndexRelationId};
  constexpr int kCount = lengthof(kCatalogs);
  int locked = 0;
  while (locked < kCount && ConditionalLockRelationOid(kCatalogs[locked], AccessShareLock)) ++locked;
  Naming n = {ddl, most, locked == kCount};
  name_all(&n, ddl->statement->utilityStmt);
  while (locked > 0) UnlockRelationOid(kCatalogs[--locked], AccessShareLock);
}

bool needs_name_after(const Ddl* ddl) {
  return ddl->count > 0 && (OidIsValid(ddl->created) || IsA(ddl->statement->utilityStmt, ViewStmt));
}

void name_after(Ddl* ddl) {
  const Node* tree = ddl->statement->utilityStmt;
  // A view of temporary tables is temporary without being called so.
  const Oid relid = IsA(tree, ViewStmt) ? RangeVarGetRelid(as<ViewStmt>(tree)->view, NoLock, true) : ddl->created;
  const char* name = get_rel_name(relid);
  if (name == nullptr) return;
  const Oid schema = get_rel_namespace(relid);
  if (isAnyTempNamespace(schema)) {
    ddl->count = 0;
    return;
  }
  put_object(&ddl->events[0], qualified(schema, name));
}

}  // namespace assist::capture

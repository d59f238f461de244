// Parse trees as statements of the core: everything but the shape of tables (convert_table.cpp).
//
// Only reads trees: fields, lists and strings, which neither allocate in the server nor ereport.

#include <cstring>

#include "pg/migrate/script.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/guc.h"
}

namespace assist::pg {

namespace {

using check::ObjectName;
using check::ObjectType;
using check::Statement;
using check::StatementKind;
using check::Text;

Text OrEmpty(const char* text) { return text != nullptr ? Text(text) : Text(); }

bool FlagOf(const ::List* options, const char* name) {
  ListCell* cell;
  foreach (cell, options) {
    const auto* option = static_cast<DefElem*>(lfirst(cell));
    if (strcmp(option->defname, name) != 0) continue;
    if (option->arg == nullptr) return true;
    const Node* arg = option->arg;
    if (IsA(arg, Boolean)) return boolVal(arg);
    if (IsA(arg, Integer)) return intVal(arg) != 0;
    if (IsA(arg, String)) {
      const char* word = strVal(arg);
      return strcmp(word, "false") != 0 && strcmp(word, "off") != 0 && strcmp(word, "0") != 0;
    }
    return true;
  }
  return false;
}

void ConvertTransaction(const TransactionStmt* tree, Statement& out) {
  switch (tree->kind) {
    case TRANS_STMT_BEGIN:
    case TRANS_STMT_START:
      out.kind = StatementKind::kBegin;
      break;
    case TRANS_STMT_COMMIT:
    case TRANS_STMT_PREPARE:
      out.kind = tree->chain ? StatementKind::kOther : StatementKind::kCommit;
      break;
    case TRANS_STMT_ROLLBACK:
      out.kind = tree->chain ? StatementKind::kOther : StatementKind::kRollback;
      break;
    default:
      break;
  }
}

// lock_timeout and statement_timeout in ms.
void ConvertSet(const VariableSetStmt* tree, Statement& out) {
  if (tree->kind == VAR_RESET_ALL) {
    out.kind = StatementKind::kSet;
    out.resets = true;
    return;
  }
  if (tree->name == nullptr ||
      (strcmp(tree->name, "lock_timeout") != 0 && strcmp(tree->name, "statement_timeout") != 0))
    return;
  out.kind = StatementKind::kSet;
  out.name = tree->name;
  out.local = tree->is_local;
  if (tree->kind != VAR_SET_VALUE || list_length(tree->args) != 1) {
    out.resets = true;
    return;
  }
  Node* item = static_cast<Node*>(linitial(tree->args));
  if (!IsA(item, A_Const)) return;
  const auto& value = reinterpret_cast<A_Const*>(item)->val;
  if (nodeTag(&value) == T_Integer) {
    out.value = intVal(&value);
  } else if (nodeTag(&value) == T_String) {
    const char* text = strVal(&value);
    int ms = 0;
    if (Guarded([&] { return parse_int(text, &ms, GUC_UNIT_MS, nullptr); })) out.value = ms;
  }
}

ObjectType TypeOf(::ObjectType type) {
  switch (type) {
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
      return ObjectType::kTable;
    case OBJECT_INDEX:
      return ObjectType::kIndex;
    case OBJECT_VIEW:
      return ObjectType::kView;
    case OBJECT_MATVIEW:
      return ObjectType::kMaterializedView;
    case OBJECT_SEQUENCE:
      return ObjectType::kSequence;
    case OBJECT_SCHEMA:
      return ObjectType::kSchema;
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
      return ObjectType::kType;
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
    case OBJECT_AGGREGATE:
      return ObjectType::kFunction;
    case OBJECT_EXTENSION:
      return ObjectType::kExtension;
    case OBJECT_TRIGGER:
      return ObjectType::kTrigger;
    default:
      return ObjectType::kOther;
  }
}

void ConvertDrop(const DropStmt* tree, Statement& out) {
  out.kind = StatementKind::kDrop;
  out.object_type = TypeOf(tree->removeType);
  out.concurrently = tree->concurrent;
  out.cascade = tree->behavior == DROP_CASCADE;
  out.if_exists = tree->missing_ok;
  ListCell* cell;
  foreach (cell, tree->objects) {
    const Node* item = static_cast<Node*>(lfirst(cell));
    if (IsA(item, String))
      out.objects.push_back({Text(), Text(strVal(item))});
    else if (IsA(item, List))
      out.objects.push_back(NameOf(reinterpret_cast<const ::List*>(item)));
    else if (IsA(item, TypeName))
      out.objects.push_back(NameOf(reinterpret_cast<const TypeName*>(item)->names));
    else if (IsA(item, ObjectWithArgs))
      out.objects.push_back(NameOf(reinterpret_cast<const ObjectWithArgs*>(item)->objname));
  }
  if (out.object_type == ObjectType::kTrigger) {  // the table's name, then the trigger's
    for (std::size_t i = 0; i < out.objects.size(); ++i) {
      const Node* item = static_cast<Node*>(list_nth(tree->objects, static_cast<int>(i)));
      const auto* names = reinterpret_cast<const ::List*>(item);
      const int length = list_length(names);
      out.objects[i] = {length > 2 ? Text(strVal(list_nth(names, length - 3))) : Text(),
                        Text(strVal(list_nth(names, length - 2)))};
    }
  }
}

void ConvertRename(const RenameStmt* tree, Statement& out) {
  out.kind = StatementKind::kRename;
  out.object_type = TypeOf(tree->renameType);
  out.name = OrEmpty(tree->newname);
  out.if_exists = tree->missing_ok;
  if (tree->relation != nullptr) out.objects.push_back(NameOf(tree->relation));
  if (tree->renameType == OBJECT_COLUMN) {
    out.column = OrEmpty(tree->subname);
    out.object_type = TypeOf(tree->relationType);
  } else if (tree->renameType == OBJECT_SCHEMA) {
    out.objects.push_back({Text(), OrEmpty(tree->subname)});
  } else if (tree->renameType == OBJECT_TABCONSTRAINT) {
    out.object_type = ObjectType::kOther;
  }
}

void ConvertIndex(const IndexStmt* tree, Statement& out) {
  out.kind = StatementKind::kCreateIndex;
  out.command = "CREATE INDEX";
  out.objects.push_back(NameOf(tree->relation));
  out.name = OrEmpty(tree->idxname);
  out.unique = tree->unique;
  out.only = !tree->relation->inh;
  out.concurrently = tree->concurrent;
  out.if_not_exists = tree->if_not_exists;
  out.index_plain = tree->whereClause == nullptr && strcmp(tree->accessMethod, "btree") == 0;
  ListCell* cell;
  foreach (cell, tree->indexParams) {
    const auto* key = static_cast<IndexElem*>(lfirst(cell));
    out.keys.push_back(OrEmpty(key->name));
    if (key->name == nullptr || key->collation != NIL || key->opclass != NIL ||
        key->ordering == SORTBY_DESC || key->nulls_ordering != SORTBY_NULLS_DEFAULT)
      out.index_plain = false;
  }
}

void ConvertReindex(const ReindexStmt* tree, Statement& out) {
  out.kind = StatementKind::kReindex;
  out.command = "REINDEX";
  out.concurrently = FlagOf(tree->params, "concurrently");
  if (tree->relation != nullptr) out.objects.push_back(NameOf(tree->relation));
  out.object_type = tree->kind == REINDEX_OBJECT_INDEX    ? ObjectType::kIndex
                    : tree->kind == REINDEX_OBJECT_TABLE  ? ObjectType::kTable
                    : tree->kind == REINDEX_OBJECT_SCHEMA ? ObjectType::kSchema
                                                          : ObjectType::kDatabase;
  out.name = OrEmpty(tree->name);
}

void ConvertVacuum(const VacuumStmt* tree, Statement& out) {
  if (!tree->is_vacuumcmd) return;
  const bool full = FlagOf(tree->options, "full");
  out.kind = full ? StatementKind::kVacuumFull : StatementKind::kVacuum;
  out.command = full ? "VACUUM FULL" : "VACUUM";
  ListCell* cell;
  foreach (cell, tree->rels) {
    const auto* item = static_cast<VacuumRelation*>(lfirst(cell));
    if (item->relation != nullptr) out.objects.push_back(NameOf(item->relation));
  }
}

bool IsConstantTrue(const Node* node) {
  return node == nullptr || (IsA(node, A_Const) &&
                             nodeTag(&reinterpret_cast<const A_Const*>(node)->val) == T_Boolean &&
                             boolVal(&reinterpret_cast<const A_Const*>(node)->val));
}

void ConvertLock(const LockStmt* tree, Statement& out) {
  out.kind = StatementKind::kLock;
  constexpr const char* kModes[] = {
      "",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
      "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
  if (tree->mode >= 1 && tree->mode <= 8) out.lock_mode = kModes[tree->mode];
  ListCell* cell;
  foreach (cell, tree->relations)
    out.objects.push_back(NameOf(static_cast<RangeVar*>(lfirst(cell))));
}

void ConvertData(const Converter& converter, Node* node, Statement& out) {
  if (IsA(node, UpdateStmt)) {
    const auto* tree = reinterpret_cast<UpdateStmt*>(node);
    out.kind = StatementKind::kUpdate;
    out.objects.push_back(NameOf(tree->relation));
    out.where = !IsConstantTrue(tree->whereClause);
    if (tree->fromClause == NIL && tree->returningList == NIL && tree->withClause == nullptr)
      SplitAtWhere(converter, tree->whereClause != nullptr, out);
  } else if (IsA(node, DeleteStmt)) {
    const auto* tree = reinterpret_cast<DeleteStmt*>(node);
    out.kind = StatementKind::kDelete;
    out.objects.push_back(NameOf(tree->relation));
    out.where = !IsConstantTrue(tree->whereClause);
    if (tree->usingClause == NIL && tree->returningList == NIL && tree->withClause == nullptr)
      SplitAtWhere(converter, tree->whereClause != nullptr, out);
  } else {
    out.kind = StatementKind::kInsert;
    out.objects.push_back(NameOf(reinterpret_cast<InsertStmt*>(node)->relation));
  }
}

}  // namespace

ObjectName NameOf(const RangeVar* relation) {
  return {OrEmpty(relation->schemaname), OrEmpty(relation->relname)};
}

ObjectName NameOf(const ::List* names) {
  const int length = list_length(names);
  if (length == 0) return {};
  const auto part = [&](int i) {
    const Node* item = static_cast<Node*>(list_nth(names, i));
    return IsA(item, String) ? Text(strVal(item)) : Text();
  };
  return {length > 1 ? part(length - 2) : Text(), part(length - 1)};
}

void ConvertStatement(const Converter& converter, Node* node, Statement& out) {
  switch (nodeTag(node)) {
    case T_TransactionStmt:
      return ConvertTransaction(reinterpret_cast<TransactionStmt*>(node), out);
    case T_VariableSetStmt:
      return ConvertSet(reinterpret_cast<VariableSetStmt*>(node), out);
    case T_CreateStmt:
      ConvertCreateTable(converter, reinterpret_cast<CreateStmt*>(node), out);
      {
        ListCell* cell;
        foreach (cell, reinterpret_cast<CreateStmt*>(node)->tableElts)
          CollectWords(static_cast<Node*>(lfirst(cell)), out);
      }
      return;
    case T_CreateTableAsStmt: {
      const auto* tree = reinterpret_cast<CreateTableAsStmt*>(node);
      out.kind = StatementKind::kCreateTable;
      out.command =
          tree->objtype == OBJECT_MATVIEW ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS";
      out.objects.push_back(NameOf(tree->into->rel));
      out.temporary = tree->into->rel->relpersistence == RELPERSISTENCE_TEMP;
      out.if_not_exists = tree->if_not_exists;
      return CollectWords(tree->query, out);
    }
    case T_AlterTableStmt: {
      auto* tree = reinterpret_cast<AlterTableStmt*>(node);
      ConvertAlterTable(converter, tree, out);
      ListCell* cell;
      foreach (cell, tree->cmds) {
        const auto* command = static_cast<AlterTableCmd*>(lfirst(cell));
        if (command->subtype == AT_ColumnDefault)
          CollectExpressionWords(command->def, out);
        else
          CollectWords(command->def, out);
      }
      return;
    }
    case T_AlterDomainStmt:
      return ConvertAlterDomain(converter, reinterpret_cast<AlterDomainStmt*>(node), out);
    case T_IndexStmt:
      ConvertIndex(reinterpret_cast<IndexStmt*>(node), out);
      AddConcurrently(converter, {"index"}, out);
      return CollectExpressionWords(reinterpret_cast<IndexStmt*>(node)->whereClause, out);
    case T_ReindexStmt:
      ConvertReindex(reinterpret_cast<ReindexStmt*>(node), out);
      return AddConcurrently(converter, {"index", "table", "schema", "database"}, out);
    case T_DropStmt:
      return ConvertDrop(reinterpret_cast<DropStmt*>(node), out);
    case T_DropdbStmt:
      out.kind = StatementKind::kDrop;
      out.object_type = ObjectType::kDatabase;
      out.objects.push_back({Text(), OrEmpty(reinterpret_cast<DropdbStmt*>(node)->dbname)});
      return;
    case T_RenameStmt:
      return ConvertRename(reinterpret_cast<RenameStmt*>(node), out);
    case T_AlterObjectSchemaStmt: {
      const auto* tree = reinterpret_cast<AlterObjectSchemaStmt*>(node);
      if (tree->relation == nullptr) return;
      out.kind = StatementKind::kSetSchema;
      out.object_type = TypeOf(tree->objectType);
      out.objects.push_back(NameOf(tree->relation));
      out.name = OrEmpty(tree->newschema);
      return;
    }
    case T_TruncateStmt: {
      const auto* tree = reinterpret_cast<TruncateStmt*>(node);
      out.kind = StatementKind::kTruncate;
      out.cascade = tree->behavior == DROP_CASCADE;
      ListCell* cell;
      foreach (cell, tree->relations)
        out.objects.push_back(NameOf(static_cast<RangeVar*>(lfirst(cell))));
      return;
    }
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_InsertStmt:
      ConvertData(converter, node, out);
      return CollectWords(node, out);
    case T_SelectStmt:
    case T_MergeStmt:
      return CollectWords(node, out);
    case T_VacuumStmt:
      return ConvertVacuum(reinterpret_cast<VacuumStmt*>(node), out);
    case T_ClusterStmt: {
      const auto* tree = reinterpret_cast<ClusterStmt*>(node);
      out.kind = StatementKind::kCluster;
      out.command = "CLUSTER";
      if (tree->relation != nullptr) out.objects.push_back(NameOf(tree->relation));
      return;
    }
    case T_RefreshMatViewStmt: {
      const auto* tree = reinterpret_cast<RefreshMatViewStmt*>(node);
      out.kind = StatementKind::kRefresh;
      out.concurrently = tree->concurrent;
      out.objects.push_back(NameOf(tree->relation));
      return AddConcurrently(converter, {"view"}, out);
    }
    case T_AlterEnumStmt: {
      const auto* tree = reinterpret_cast<AlterEnumStmt*>(node);
      out.kind =
          tree->oldVal != nullptr ? StatementKind::kRenameEnumValue : StatementKind::kAddEnumValue;
      out.objects.push_back(NameOf(tree->typeName));
      out.name = OrEmpty(tree->newVal);
      out.column = OrEmpty(tree->oldVal);
      return;
    }
    case T_CreateEnumStmt:
      out.kind = StatementKind::kCreateType;
      out.objects.push_back(NameOf(reinterpret_cast<CreateEnumStmt*>(node)->typeName));
      return;
    case T_LockStmt:
      return ConvertLock(reinterpret_cast<LockStmt*>(node), out);
    case T_CreateTrigStmt:
      out.kind = StatementKind::kCreateTrigger;
      out.objects.push_back(NameOf(reinterpret_cast<CreateTrigStmt*>(node)->relation));
      return;
    case T_CreateSchemaStmt:
      out.kind = StatementKind::kCreateSchema;
      out.name = OrEmpty(reinterpret_cast<CreateSchemaStmt*>(node)->schemaname);
      return;
    case T_ViewStmt:
      out.kind = StatementKind::kCreateView;
      out.objects.push_back(NameOf(reinterpret_cast<ViewStmt*>(node)->view));
      return;
    case T_DoStmt:
      out.kind = StatementKind::kDo;
      out.opaque = IsOpaque(reinterpret_cast<DoStmt*>(node));
      return;
    case T_CreatedbStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_AlterSystemStmt:
      out.kind = StatementKind::kOutsideTransaction;
      out.command = IsA(node, CreatedbStmt)           ? "CREATE DATABASE"
                    : IsA(node, CreateTableSpaceStmt) ? "CREATE TABLESPACE"
                    : IsA(node, DropTableSpaceStmt)   ? "DROP TABLESPACE"
                                                      : "ALTER SYSTEM";
      return;
    default:
      return;
  }
}

}  // namespace assist::pg

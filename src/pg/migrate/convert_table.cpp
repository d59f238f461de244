// CREATE TABLE, ALTER TABLE and ALTER DOMAIN as statements of the core.

#include <algorithm>
#include <cstring>

#include "pg/migrate/script.hpp"
#include "sqlparse/tokens.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "nodes/primnodes.h"
}

namespace assist::pg {

namespace {

using check::AlterCommand;
using check::AlterOp;
using check::ColumnSpec;
using check::ConstraintKind;
using check::ConstraintSpec;
using check::DefaultKind;
using check::Statement;
using check::StatementKind;
using check::Text;

Text OrEmpty(const char* text) { return text != nullptr ? Text(text) : Text(); }

void CopyNames(const ::List* names, check::List<Text>& out) {
  ListCell* cell;
  foreach (cell, names) out.emplace_back(strVal(lfirst(cell)));
}

bool IsWord(std::string_view token, std::string_view word) {
  return token.size() == word.size() &&
         std::equal(token.begin(), token.end(), word.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Where the item of a list that begins at `from` ends: at a comma or bracket outside of its own
// brackets.
std::size_t ItemEnd(std::string_view text, std::size_t from) {
  sqlparse::Scanner scanner(text);
  scanner.MoveTo(from);
  std::size_t end = from;
  for (int depth = 0;;) {
    const sqlparse::Token token = scanner.Next();
    if (token.kind == sqlparse::TokenKind::kEnd) return end;
    if (token.kind == sqlparse::TokenKind::kOpen) ++depth;
    if (token.kind == sqlparse::TokenKind::kClose && --depth < 0) return end;
    if (token.kind == sqlparse::TokenKind::kComma && depth == 0) return end;
    end = token.end;
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t' ||
                           text.front() == '\r'))
    text.remove_prefix(1);
  return text;
}

// The text of a type from its first token up to what may follow a type in a column definition.
Text TypeSource(std::string_view text, int location) {
  if (location < 0) return {};
  constexpr std::string_view kBehind[] = {"constraint",  "not",        "null",    "default",
                                          "check",       "unique",     "primary", "references",
                                          "generated",   "collate",    "using",   "storage",
                                          "compression", "deferrable", "options"};
  sqlparse::Scanner scanner(text);
  const auto begin = static_cast<std::size_t>(location);
  scanner.MoveTo(begin);
  std::size_t end = begin;
  for (int depth = 0;;) {
    const sqlparse::Token token = scanner.Next();
    if (token.kind == sqlparse::TokenKind::kEnd) break;
    if (token.kind == sqlparse::TokenKind::kOpen) ++depth;
    if (token.kind == sqlparse::TokenKind::kClose && --depth < 0) break;
    if (depth == 0 && token.kind == sqlparse::TokenKind::kComma) break;
    const std::string_view word = text.substr(token.begin, token.end - token.begin);
    if (depth == 0 && token.kind == sqlparse::TokenKind::kWord && token.begin > begin &&
        std::any_of(std::begin(kBehind), std::end(kBehind),
                    [&](std::string_view w) { return IsWord(word, w); }))
      break;
    end = token.end;
  }
  return Text(text.substr(begin, end - begin));
}

// Without the words NOT VALID at its end.
std::string_view WithoutNotValid(std::string_view source) {
  const auto ends = [&](std::string_view word) {
    source = Trim(source);
    if (source.size() < word.size() || !IsWord(source.substr(source.size() - word.size()), word))
      return false;
    source.remove_suffix(word.size());
    return true;
  };
  const std::string_view whole = source;
  return ends("valid") && ends("not") ? Trim(source) : whole;
}

bool ConvertConstraint(const Converter& converter, const Constraint* tree, std::size_t end,
                       ConstraintSpec& out) {
  switch (tree->contype) {
    case CONSTR_CHECK:
      out.kind = ConstraintKind::kCheck;
      ProvenColumns(tree->raw_expr, out.not_null);
      break;
    case CONSTR_PRIMARY:
      out.kind = ConstraintKind::kPrimary;
      break;
    case CONSTR_UNIQUE:
      out.kind = ConstraintKind::kUnique;
      break;
    case CONSTR_EXCLUSION:
      out.kind = ConstraintKind::kExclusion;
      break;
    case CONSTR_FOREIGN:
      out.kind = ConstraintKind::kForeignKey;
      break;
    default:
      return false;
  }
  out.name = OrEmpty(tree->conname);
  out.not_valid = tree->skip_validation;
  out.using_index = OrEmpty(tree->indexname);
  out.plain = tree->including == NIL && tree->options == NIL && tree->indexspace == nullptr &&
              !tree->deferrable && !tree->nulls_not_distinct;
  CopyNames(tree->contype == CONSTR_FOREIGN ? tree->fk_attrs : tree->keys, out.columns);
  if (tree->pktable != nullptr) out.references = NameOf(tree->pktable);
  CopyNames(tree->pk_attrs, out.references_columns);
  if (tree->location >= 0) {
    const auto begin = static_cast<std::size_t>(tree->location);
    if (end <= begin) end = ItemEnd(converter.text, begin);
    out.source = WithoutNotValid(Trim(converter.text.substr(begin, end - begin)));
  }
  return true;
}

const char* LastName(const TypeName* type) {
  return type != nullptr && type->names != NIL ? strVal(llast(type->names)) : "";
}

bool IsSerial(const TypeName* type) {
  const std::string_view name = LastName(type);
  return list_length(type->names) == 1 &&
         (name == "serial" || name == "bigserial" || name == "smallserial" || name == "serial4" ||
          name == "serial8" || name == "serial2");
}

void ConvertColumn(const Converter& converter, const ColumnDef* tree, bool judge, ColumnSpec& out) {
  out.name = OrEmpty(tree->colname);
  out.not_null = tree->is_not_null;
  if (tree->typeName != nullptr) {
    out.type = TypeSource(converter.text, tree->typeName->location);
    out.serial = IsSerial(tree->typeName);
    const std::string_view last = LastName(tree->typeName);
    if (out.serial) {
      out.small_integer = last != "bigserial" && last != "serial8";
      out.not_null = true;
    } else {
      const TypeVerdict verdict = JudgeType(converter, tree->typeName);
      out.small_integer = verdict.small_integer;
      out.constrained_domain = verdict.domain_constrained;
    }
  }
  ListCell* cell;
  foreach (cell, tree->constraints) {
    const auto* constraint = static_cast<Constraint*>(lfirst(cell));
    // Ends where the next one begins; attributes such as DEFERRABLE belong to it.
    std::size_t end = 0;
    for (int i = foreach_current_index(cell) + 1; i < list_length(tree->constraints); ++i) {
      const auto* next = static_cast<Constraint*>(list_nth(tree->constraints, i));
      if (next->location <= constraint->location || next->contype == CONSTR_ATTR_DEFERRABLE ||
          next->contype == CONSTR_ATTR_DEFERRED || next->contype == CONSTR_ATTR_NOT_DEFERRABLE ||
          next->contype == CONSTR_ATTR_IMMEDIATE)
        continue;
      end = static_cast<std::size_t>(next->location);
      break;
    }
    switch (constraint->contype) {
      case CONSTR_NOTNULL:
        out.not_null = true;
        break;
      case CONSTR_IDENTITY:
        out.identity = out.not_null = true;
        break;
      case CONSTR_GENERATED:
        out.generated = true;
        break;
      case CONSTR_DEFAULT: {
        const auto begin = static_cast<std::size_t>(std::max(constraint->location, 0));
        if (end == 0) end = ItemEnd(converter.text, begin);
        std::string_view source = Trim(converter.text.substr(begin, end - begin));
        if (source.size() > 7 && IsWord(source.substr(0, 7), "default"))
          source = Trim(source.substr(7));
        out.default_source = source;
        if (judge) {
          const DefaultVerdict verdict =
              JudgeDefault(converter, tree->typeName, constraint->raw_expr);
          out.default_kind = verdict.kind;
          out.volatile_function = verdict.function;
        } else {
          out.default_kind = DefaultKind::kUnknown;
        }
        break;
      }
      default: {
        ConstraintSpec spec;
        if (!ConvertConstraint(converter, constraint, end, spec)) break;
        if (spec.columns.empty()) spec.columns.push_back(out.name);
        if (spec.kind == ConstraintKind::kPrimary) out.not_null = true;
        out.constraints.push_back(std::move(spec));
      }
    }
  }
}

AlterOp OpOf(AlterTableType type) {
  switch (type) {
    case AT_AddColumn:
      return AlterOp::kAddColumn;
    case AT_DropColumn:
      return AlterOp::kDropColumn;
    case AT_AlterColumnType:
      return AlterOp::kAlterType;
    case AT_SetNotNull:
      return AlterOp::kSetNotNull;
    case AT_DropNotNull:
      return AlterOp::kDropNotNull;
    case AT_AddConstraint:
      return AlterOp::kAddConstraint;
    case AT_DropConstraint:
      return AlterOp::kDropConstraint;
    case AT_ValidateConstraint:
      return AlterOp::kValidateConstraint;
    case AT_AttachPartition:
      return AlterOp::kAttachPartition;
    case AT_DetachPartition:
      return AlterOp::kDetachPartition;
    case AT_SetLogged:
      return AlterOp::kSetLogged;
    case AT_SetUnLogged:
      return AlterOp::kSetUnlogged;
    case AT_SetTableSpace:
      return AlterOp::kSetTablespace;
    case AT_SetAccessMethod:
      return AlterOp::kSetAccessMethod;
    case AT_DisableTrig:
    case AT_DisableTrigAll:
    case AT_DisableTrigUser:
      return AlterOp::kDisableTrigger;
    case AT_AddIdentity:
      return AlterOp::kAddIdentity;
    case AT_ReplicaIdentity:
      return AlterOp::kReplicaIdentity;
    case AT_EnableRowSecurity:
    case AT_DisableRowSecurity:
    case AT_ForceRowSecurity:
    case AT_NoForceRowSecurity:
      return AlterOp::kRowSecurity;
    case AT_SetStatistics:
    case AT_SetOptions:
    case AT_ResetOptions:
    case AT_SetRelOptions:
    case AT_ResetRelOptions:
    case AT_ClusterOn:
    case AT_DropCluster:
    case AT_EnableTrig:
    case AT_EnableTrigAll:
    case AT_EnableTrigUser:
    case AT_EnableAlwaysTrig:
    case AT_EnableReplicaTrig:
    case AT_DetachPartitionFinalize:
      return AlterOp::kLight;
    default:
      return AlterOp::kBrief;
  }
}

void ConvertCommand(const Converter& converter, const RangeVar* relation, const AlterTableCmd* tree,
                    AlterCommand& out) {
  out.op = OpOf(tree->subtype);
  out.name = OrEmpty(tree->name);
  out.cascade = tree->behavior == DROP_CASCADE;
  out.if_exists = tree->missing_ok;
  if (out.op == AlterOp::kDisableTrigger && tree->subtype != AT_DisableTrig) out.name.clear();
  switch (out.op) {
    case AlterOp::kAddColumn:
      ConvertColumn(converter, reinterpret_cast<ColumnDef*>(tree->def), true, out.column);
      out.name = out.column.name;
      break;
    case AlterOp::kAddConstraint:
      if (!ConvertConstraint(converter, reinterpret_cast<Constraint*>(tree->def), 0,
                             out.constraint))
        out.op = AlterOp::kBrief;
      break;
    case AlterOp::kAlterType: {
      const auto* column = reinterpret_cast<ColumnDef*>(tree->def);
      out.change.to = TypeSource(converter.text, column->typeName->location);
      JudgeTypeChange(converter, relation, tree->name, column->typeName, column->raw_default,
                      out.change);
      break;
    }
    case AlterOp::kAttachPartition:
    case AlterOp::kDetachPartition: {
      const auto* command = reinterpret_cast<PartitionCmd*>(tree->def);
      out.other = NameOf(command->name);
      out.concurrently = command->concurrent;
      out.default_bound = command->bound != nullptr && command->bound->is_default;
      break;
    }
    default:
      break;
  }
}

// The commands' texts: the statement's items, the first behind ALTER TABLE [IF EXISTS] [ONLY] name
// [*].
void FillSources(const Converter& converter, const RangeVar* relation, Statement& out) {
  if (relation->location < 0 || out.commands.empty()) return;
  sqlparse::Scanner scanner(converter.text);
  scanner.MoveTo(static_cast<std::size_t>(relation->location));
  std::size_t begin = 0;
  for (bool name = true;;) {  // name [. name [. name]] [*]
    const sqlparse::Token token = scanner.Next();
    const std::string_view text = converter.text.substr(token.begin, token.end - token.begin);
    if (token.kind == sqlparse::TokenKind::kEnd) return;
    if (name) {
      name = false;
      continue;
    }
    if (text == ".") {
      name = true;
    } else if (text != "*" && text != ")") {
      begin = token.begin;
      break;
    }
  }
  for (AlterCommand& command : out.commands) {
    const std::size_t end = ItemEnd(converter.text, begin);
    command.source = converter.text.substr(begin, end - begin);
    const std::size_t comma = converter.text.find(',', end);
    if (comma == std::string_view::npos) break;
    sqlparse::Scanner behind(converter.text);
    behind.MoveTo(comma + 1);
    begin = behind.Next().begin;
  }
}

}  // namespace

// IS NOT NULL itself, any part of an AND, and what all parts of an OR have.
void ProvenColumns(Node* expression, check::List<Text>& out) {
  if (expression == nullptr) return;
  if (IsA(expression, NullTest)) {
    const auto* test = reinterpret_cast<NullTest*>(expression);
    const Node* argument = reinterpret_cast<Node*>(test->arg);
    if (test->nulltesttype != IS_NOT_NULL || !IsA(argument, ColumnRef)) return;
    const Node* name =
        static_cast<Node*>(llast(reinterpret_cast<const ColumnRef*>(argument)->fields));
    if (IsA(name, String)) out.emplace_back(strVal(name));
    return;
  }
  if (!IsA(expression, BoolExpr)) return;
  const auto* both = reinterpret_cast<BoolExpr*>(expression);
  if (both->boolop == NOT_EXPR) return;
  ListCell* cell;
  bool first = true;
  check::List<Text> common;
  foreach (cell, both->args) {
    // Only one level below: deeper nesting is rare, and a chain of brackets may be long.
    Node* part = static_cast<Node*>(lfirst(cell));
    check::List<Text> proven;
    if (IsA(part, NullTest)) ProvenColumns(part, proven);
    if (both->boolop == AND_EXPR) {
      out.insert(out.end(), proven.begin(), proven.end());
      continue;
    }
    if (first)
      common = proven;
    else
      std::erase_if(common, [&](const Text& name) {
        return std::find(proven.begin(), proven.end(), name) == proven.end();
      });
    first = false;
  }
  out.insert(out.end(), common.begin(), common.end());
}

void ConvertAlterTable(const Converter& converter, AlterTableStmt* tree, Statement& out) {
  out.kind = StatementKind::kAlterTable;
  out.command = "ALTER TABLE";
  out.if_exists = tree->missing_ok;
  out.object_type = tree->objtype == OBJECT_INDEX      ? check::ObjectType::kIndex
                    : tree->objtype == OBJECT_VIEW     ? check::ObjectType::kView
                    : tree->objtype == OBJECT_SEQUENCE ? check::ObjectType::kSequence
                    : tree->objtype == OBJECT_MATVIEW  ? check::ObjectType::kMaterializedView
                    : tree->objtype == OBJECT_TABLE    ? check::ObjectType::kTable
                                                       : check::ObjectType::kOther;
  out.objects.push_back(NameOf(tree->relation));
  ListCell* cell;
  foreach (cell, tree->cmds)
    ConvertCommand(converter, tree->relation, static_cast<AlterTableCmd*>(lfirst(cell)),
                   out.commands.emplace_back());
  FillSources(converter, tree->relation, out);
}

void ConvertCreateTable(const Converter& converter, CreateStmt* tree, Statement& out) {
  out.kind = StatementKind::kCreateTable;
  out.command = "CREATE TABLE";
  out.objects.push_back(NameOf(tree->relation));
  out.temporary = tree->relation->relpersistence == RELPERSISTENCE_TEMP;
  out.if_not_exists = tree->if_not_exists;
  if (tree->partbound != nullptr) {
    out.default_bound = tree->partbound->is_default;
    if (tree->inhRelations != NIL)
      out.parent = NameOf(static_cast<RangeVar*>(linitial(tree->inhRelations)));
  }
  ListCell* cell;
  foreach (cell, tree->tableElts) {
    const Node* element = static_cast<Node*>(lfirst(cell));
    if (IsA(element, ColumnDef)) {
      ConvertColumn(converter, reinterpret_cast<const ColumnDef*>(element), false,
                    out.columns.emplace_back());
    } else if (IsA(element, Constraint)) {
      ConstraintSpec spec;
      if (ConvertConstraint(converter, reinterpret_cast<const Constraint*>(element), 0, spec))
        out.constraints.push_back(std::move(spec));
    }
  }
}

void ConvertAlterDomain(const Converter& converter, AlterDomainStmt* tree, Statement& out) {
  out.kind = StatementKind::kAlterDomain;
  out.command = "ALTER DOMAIN";
  out.objects.push_back(NameOf(tree->typeName));
  AlterCommand& command = out.commands.emplace_back();
  command.name = OrEmpty(tree->name);
  if (tree->subtype == 'O') {
    command.op = AlterOp::kSetNotNull;
  } else if (tree->subtype == 'C') {
    command.op = AlterOp::kAddConstraint;
    ConvertConstraint(converter, reinterpret_cast<Constraint*>(tree->def), 0, command.constraint);
  } else if (tree->subtype == 'V') {
    command.op = AlterOp::kValidateConstraint;
  }
}

}  // namespace assist::pg

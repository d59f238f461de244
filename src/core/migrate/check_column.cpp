// Columns: what adding, changing and dropping one does to a table that has rows.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

constexpr std::string_view kRewrites =
    "The table and all of its indexes are written anew, while nobody can read or write it.";

}  // namespace

void Checker::CheckColumn(const Statement& s, Object& table, const AlterCommand& c) {
  switch (c.op) {
    case AlterOp::kAddColumn:
      AddColumn(s, table, c);
      break;
    case AlterOp::kAlterType:
      AlterType(s, table, c);
      break;
    case AlterOp::kSetNotNull:
      SetNotNull(s, table, c);
      break;
    case AlterOp::kDropColumn:
      DropColumn(s, table, c);
      break;
    case AlterOp::kDropNotNull:
      if (table.facts != nullptr && !table.created && HasColumn(table, c.name) &&
          !IsNullable(table, c.name) && table.added_columns.count(c.name) == 0)
        Add("drop_not_null", s, &table, "", -1,
            Join("From now on ", table.qualified, ".", Quoted(c.name),
                 " may be null: code that reads it must be ready for that before it is."));
      table.not_null.erase(c.name);
      break;
    default:
      break;
  }
}

void Checker::AddColumn(const Statement& s, Object& table, const AlterCommand& c) {
  const ColumnSpec& column = c.column;
  if (c.if_exists && HasColumn(table, column.name)) return;
  const Text name = Quoted(column.name);
  const Text add = Join("ALTER TABLE ", table.qualified, " ADD COLUMN ", name, " ");
  const bool quiet = table.quiet();
  bool fills =
      column.default_kind == DefaultKind::kStored || column.default_kind == DefaultKind::kVolatile;
  if (column.serial || column.identity) {
    fills = true;
    if (!quiet) {
      Hazard& hazard =
          Add("add_column_serial", s, &table, kAccessExclusiveLock, RewriteMs(table),
              Join("Each row that is there gets the next number of a sequence. ", kRewrites));
      const Text sequence_name = text::ObjectName(Join(table.name, "_", column.name), "_seq",
                                                  std::pmr::get_default_resource());
      Text sequence, literal;
      text::AppendQualified(sequence, table.schema, sequence_name);
      text::AppendLiteral(literal, sequence);
      const Text call = Join("nextval(", literal, ")");
      hazard.safe =
          Join(kSetTimeout, "CREATE SEQUENCE ", sequence, ";\n", add, "bigint;\nALTER TABLE ",
               table.qualified, " ALTER COLUMN ", name, " SET DEFAULT ", call, ";\nALTER SEQUENCE ",
               sequence, " OWNED BY ", table.qualified, ".", name, ";\n",
               BackfillLoop(table.qualified, Join(name, " = ", call), Join(name, " IS NULL")));
    }
  } else if (column.generated) {
    fills = true;
    if (!quiet)
      Add("add_column_generated_stored", s, &table, kAccessExclusiveLock, RewriteMs(table),
          Join("A stored generated column is computed for each row that is there. ", kRewrites,
               " An ordinary column that a trigger fills can be filled in batches instead."));
  } else if (column.default_kind == DefaultKind::kVolatile) {
    if (!quiet) {
      Hazard& hazard =
          Add("add_column_volatile_default", s, &table, kAccessExclusiveLock, RewriteMs(table),
              Join("The default calls ", column.volatile_function,
                   "(), which is volatile: each row that is there gets a value of its own. ",
                   kRewrites));
      if (!column.type.empty() && column.constraints.empty()) {
        hazard.safe =
            Join(kSetTimeout, add, column.type, ";\nALTER TABLE ", table.qualified,
                 " ALTER COLUMN ", name, " SET DEFAULT ", column.default_source, ";\n",
                 BackfillLoop(table.qualified, Join(name, " = DEFAULT"), Join(name, " IS NULL")));
        if (column.not_null) text::Append(hazard.safe, NotNullSteps(table, column.name));
      }
    }
  } else if (column.constrained_domain && !quiet) {
    Add("add_column_constrained_domain", s, &table, kAccessExclusiveLock, RewriteMs(table),
        Join("The domain ", column.type, " has constraints, which are checked for each row. ",
             kRewrites,
             " A column of the underlying type with a CHECK that is added NOT VALID and then "
             "validated does the same."));
  }
  const bool has_value = fills || column.default_kind == DefaultKind::kUnknown;
  if (column.not_null && !has_value && !quiet) {
    const Text rows =
        table.facts->rows > 0 ? Join(" and it has about ", text::Count(table.facts->rows)) : Text();
    Hazard& hazard =
        Add("add_column_not_null_no_default", s, &table, "", -1,
            Join("The statement fails with 23502 (not_null_violation) if ", table.qualified,
                 " has a row,",
                 rows.empty() ? std::string_view(" and it is not empty") : std::string_view(rows),
                 ". Give the column a constant default, which costs nothing, or add it without NOT "
                 "NULL, "
                 "fill it, and make it NOT NULL then."));
    if (!column.type.empty() && column.constraints.empty())
      hazard.safe = Join(kSetTimeout, add, column.type, ";\n");
  }
  table.added_columns.insert(column.name);
  if (column.not_null) table.not_null.insert(column.name);
  for (const ConstraintSpec& spec : column.constraints) AddConstraint(s, table, spec, fills);
}

void Checker::AlterType(const Statement& s, Object& table, const AlterCommand& c) {
  if (table.created || table.facts == nullptr || table.added_columns.count(c.name) != 0 ||
      !c.change.known)
    return;
  const TypeChange& change = c.change;
  const Text name = Quoted(c.name);
  Text views;
  for (const Dependant& view : table.facts->views)
    if (view.column == c.name) {
      const auto dropped = std::any_of(objects_.begin(), objects_.end(), [&](const auto& item) {
        return item.second.dropped && item.second.qualified == view.name;
      });
      if (dropped) continue;
      if (!views.empty()) views += ", ";
      views += view.name;
    }
  if (!views.empty())
    Add("dependent_objects_block", s, &table, "", -1,
        Join("The statement fails with 0A000 (feature_not_supported): the type of a column that a "
             "view uses cannot be "
             "changed. It is used by ",
             views, ": drop them before, and make them again after, with their rights."));
  if (change.lossy)
    Add("lossy_type_change", s, &table, "", -1,
        Join("Not every ", change.from, " fits into ", change.to,
             ": a value that does not fit makes the statement fail, or loses digits. Look for them "
             "before."));
  if (table.quiet()) return;
  if (change.rewrite) {
    Hazard& hazard =
        Add("alter_type_rewrite", s, &table, kAccessExclusiveLock, RewriteMs(table),
            Join("From ", change.from, " to ", change.to, " every row changes. ", kRewrites));
    const bool has_using =
        c.source.find("using") != Text::npos || c.source.find("USING") != Text::npos;
    if (!has_using && !table.is_partitioned()) {
      const Text fresh = Quoted(text::ObjectName(c.name, "_new", std::pmr::get_default_resource()));
      const Text routine_name = text::ObjectName(Join(table.name, "_", c.name), "_sync",
                                                 std::pmr::get_default_resource());
      Text routine;
      text::AppendQualified(routine, table.schema, routine_name);
      hazard.safe = Join(kSetTimeout, "ALTER TABLE ", table.qualified, " ADD COLUMN ", fresh, " ",
                         change.to, ";\nCREATE FUNCTION ", routine,
                         "() RETURNS trigger LANGUAGE plpgsql AS $assist$BEGIN NEW.", fresh,
                         " := NEW.", name, "; RETURN NEW; END$assist$;\nCREATE TRIGGER ",
                         Quoted(routine_name), " BEFORE INSERT OR UPDATE ON ", table.qualified,
                         " FOR EACH ROW EXECUTE FUNCTION ", routine, "();\n",
                         BackfillLoop(table.qualified, Join(fresh, " = ", name),
                                      Join(fresh, " IS NULL AND ", name, " IS NOT NULL")));
      Say(hazard.explanation, Join("The safe form makes and fills ", fresh,
                                   " beside it; when the application uses that one, the trigger "
                                   "and the old column go."));
    }
    return;
  }
  if (!change.rebuilds_indexes) return;
  std::int64_t bytes = 0;
  Text names;
  for (const IndexFact& index : table.facts->indexes) {
    if (std::find(index.keys.begin(), index.keys.end(), c.name) == index.keys.end()) continue;
    bytes += index.bytes;
    if (!names.empty()) names += ", ";
    names += Quoted(index.name);
  }
  if (names.empty()) return;
  const double ms =
      ScanMs(table) + static_cast<double>(bytes) / database_.build_bytes_per_second * 1e3;
  Add("alter_type_index_rebuild", s, &table, kAccessExclusiveLock, ms,
      Join("The rows stay as they are, but the order of values changes: ", names,
           " is built anew, while nobody can ", "read or write the table."));
}

void Checker::SetNotNull(const Statement& s, Object& table, const AlterCommand& c) {
  if (!table.quiet() && IsNullable(table, c.name) && !ProvenNotNull(table, c.name)) {
    Hazard& hazard = Add(
        "set_not_null_scan", s, &table, kAccessExclusiveLock, ScanMs(table),
        Join("All rows are read to see that ", Quoted(c.name),
             " is nowhere null, while nobody can read or write the table. With a validated CHECK (",
             Quoted(c.name), " IS NOT NULL) they are not."));
    if (!table.is_partitioned()) hazard.safe = Join(kSetTimeout, NotNullSteps(table, c.name));
  }
  table.not_null.insert(c.name);
}

void Checker::DropColumn(const Statement& s, Object& table, const AlterCommand& c) {
  const bool ours = table.created || table.added_columns.count(c.name) != 0;
  if (!ours && table.facts != nullptr && HasColumn(table, c.name) && !table.facts->temporary) {
    Text views;
    for (const Dependant& view : table.facts->views)
      if (view.column == c.name) {
        if (!views.empty()) views += ", ";
        views += view.name;
      }
    if (!views.empty() && c.cascade)
      Add("drop_cascade", s, &table, "", -1,
          Join("CASCADE drops with the column what depends on it: ", views, "."));
    if (!views.empty() && !c.cascade)
      Add("dependent_objects_block", s, &table, "", -1,
          Join("The statement fails with 2BP01 (dependent_objects_still_exist): the column is used "
               "by ",
               views, "."));
    Hazard& hazard = Add("drop_column", s, &table, "", -1,
                         Join("The values of ", Quoted(c.name),
                              " are lost, and statements of an application that still names it, "
                              "or has cached that it is there, fail. Let the application stop "
                              "using it first, in a deployment of "
                              "its own."));
    hazard.lock = kAccessExclusiveLock;
    hazard.blocks = Blocks::kReadsAndWrites;
    if (table.facts->empty) hazard.severity = Severity::kLow;
    AppendForecast(hazard.explanation, table, kAccessExclusiveLock, kInstant);
  }
  table.added_columns.erase(c.name);
}

}  // namespace assist::check

// UPDATE and DELETE of many rows in one statement.

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

constexpr double kFewRows = 10000;        // changed in one statement without anybody noticing
constexpr double kManyRows = 100000;      // a WHERE that leaves so many is asked to go in batches
constexpr double kRowsPerSecond = 50000;  // changed, with indexes and WAL
constexpr std::int64_t kFewBytes = 1024 * 1024;

// The statement on one range of an integer key after the other, each committed.
Text BatchLoop(const Statement& s, const Object& table) {
  const Relation& facts = *table.facts;
  if (s.before_where.empty() || facts.primary_key.size() != 1) return {};
  const Text& key = facts.primary_key[0];
  for (const ColumnFact& column : facts.columns)
    if (column.name == key && column.type != "integer" && column.type != "bigint" &&
        column.type != "smallint")
      return {};
  const Text name = Quoted(key);
  // No block of another language in the text of the statement.
  if (s.source.find("$assist$") != Text::npos) return {};
  return Join(
      "DO $assist$\nDECLARE\n  assist_low bigint;\n  assist_high bigint;\nBEGIN\n  SELECT min(",
      name, "), max(", name, ") INTO assist_low, assist_high FROM ", table.qualified,
      ";\n  WHILE assist_low <= assist_high LOOP\n    ", s.before_where, "\n      WHERE ", name,
      " >= assist_low AND ", name, " < assist_low + 10000",
      s.where_source.empty() ? Text() : Join("\n        AND (", s.where_source, ")"),
      ";\n    COMMIT;\n    assist_low := assist_low + 10000;\n  END LOOP;\nEND\n$assist$;\n");
}

}  // namespace

void Checker::CheckData(const Statement& s) {
  Object* table = Target(s);
  if (table == nullptr || table->quiet()) return;
  const Relation& facts = *table->facts;
  const bool all = !s.where;
  const bool update = s.kind == StatementKind::kUpdate;
  const double rows = all ? facts.rows : s.estimated_rows;
  if (!all && rows < kManyRows) return;
  const double ms = rows > 0 ? rows / kRowsPerSecond * 1e3 : -1;
  Hazard& hazard = Add(!all     ? "unbatched_dml"
                       : update ? "update_without_where"
                                : "delete_without_where",
                       s, table, "", -1,
                       all ? update ? "Every row is written anew in one transaction."
                                    : "Every row is deleted in one transaction. If that is meant, "
                                      "TRUNCATE takes an instant."
                           : Join("By the planner's estimate the condition holds for about ",
                                  text::Count(rows), " rows."));
  const bool few = (rows >= 0 && rows < kFewRows) || (rows < 0 && facts.bytes < kFewBytes);
  if (few) hazard.severity = Severity::kLow;
  hazard.lock = "ROW EXCLUSIVE";
  hazard.rows = rows;
  hazard.ms = ms;
  Text line = Join("Each changed row stays locked until the transaction ends");
  if (ms >= 0) text::Append(line, ", in about ", text::Duration(ms));
  text::Append(line, "; the table keeps the old versions (it has ",
               text::Bytes(static_cast<double>(facts.bytes)),
               "), and standbys get all of it at once.");
  Say(hazard.explanation, line);
  if (!few && !in_transaction_) hazard.safe = BatchLoop(s, *table);
}

}  // namespace assist::check

// A migration as one psql script: what it is for, each step with its cost, how to verify, the way
// back.
#include <algorithm>

#include "assist/migration.hpp"
#include "core/text/text.hpp"

namespace assist {
namespace {

using text::Append;

constexpr std::size_t kWidth = 98;
constexpr std::string_view kBlanks = " \n\r\t\v\f";

// Appends `prose` as comment lines, wrapped at blanks. Line breaks in it cannot end the comment.
void AppendComment(std::pmr::string& out, std::string_view label, std::string_view prose) {
  std::size_t column = 0;
  const auto begin_line = [&] {
    Append(out, "-- ");
    column = 3;
  };
  begin_line();
  Append(out, label);
  column += label.size();
  while (!prose.empty()) {
    std::size_t end = prose.find_first_of(kBlanks);
    // A number stays with its unit.
    if (prose[0] >= '0' && prose[0] <= '9' && end != std::string_view::npos && prose[end] == ' ') {
      end = prose.find_first_of(kBlanks, end + 1);
    }
    const std::string_view word = prose.substr(0, end);
    prose.remove_prefix(end == std::string_view::npos ? prose.size() : end + 1);
    if (word.empty()) continue;
    if (column > 3 && column + word.size() > kWidth) {
      Append(out, "\n");
      begin_line();
    } else if (column > 3 && out.back() != ' ') {
      Append(out, " ");
      ++column;
    }
    Append(out, word);
    column += word.size();
  }
  Append(out, "\n");
}

// The same without wrapping, for SQL in a comment. A carriage return would end the comment, and without it the
// name that holds it is another one.
void AppendCommentedSql(std::pmr::string& out, std::string_view sql) {
  if (sql.find('\r') != std::string_view::npos) {
    Append(out, "--   not shown, a carriage return is in it: SELECT sql FROM assist.generate_migration(id)\n");
    return;
  }
  Append(out, "--   ");
  for (const char c : sql) {
    out.push_back(c);
    if (c == '\n') Append(out, "--   ");
  }
  Append(out, ";\n");
}

// Above which lock a script waits only so long: SHARE and stronger stop somebody.
bool IsStrong(const MigrationStep& step) { return step.blocks != Blocks::kNothing; }

double TotalMs(const Migration& migration, Direction direction) {
  double total = 0;
  for (const MigrationStep& step : migration)
    total += step.direction == direction ? step.estimated_ms : 0;
  return total;
}

std::int32_t CountSteps(const Migration& migration, Direction direction) {
  return static_cast<std::int32_t>(
      std::count_if(migration.begin(), migration.end(),
                    [&](const MigrationStep& step) { return step.direction == direction; }));
}

void AppendCost(std::pmr::string& out, const MigrationStep& step) {
  if (step.lock_level.empty()) {
    Append(out, "no lock");
  } else {
    Append(out, "lock ", step.lock_level, ", blocks ", ToString(step.blocks));
  }
  Append(out, ", about ", text::Duration(step.estimated_ms));
  if (!step.transactional) Append(out, ", not in a transaction block");
  if (step.destructive) Append(out, ", DESTRUCTIVE");
}

void AppendUp(std::pmr::string& out, const Migration& migration) {
  const std::int32_t steps = CountSteps(migration, Direction::kUp);
  for (const MigrationStep& step : migration) {
    if (step.direction != Direction::kUp) continue;
    Append(out, "\n-- Step ", text::Integer(step.step), " of ", text::Integer(steps), ": ");
    AppendCost(out, step);
    Append(out, "\n");
    if (!step.note.empty()) AppendComment(out, "", step.note);
    // A concurrent build must not be cut off while it waits for old transactions; a strong lock
    // must not queue everybody behind it. VACUUM FULL keeps its lock, the limit is on waiting for
    // it.
    if (IsStrong(step)) Append(out, "SET lock_timeout = '5s';\n");
    Append(out, step.sql, ";\n");
    if (IsStrong(step)) Append(out, "RESET lock_timeout;\n");
  }
}

}  // namespace

std::pmr::string MigrationScript(std::string_view title, std::string_view rationale,
                                 const Migration& migration, std::pmr::memory_resource* memory) {
  std::pmr::string out(memory);
  AppendComment(out, "pg_assist: ", title);
  Append(out, "--\n");
  if (!rationale.empty()) {
    AppendComment(out, "", rationale);
    Append(out, "--\n");
  }
  if (migration.empty()) {
    Append(out, "-- There is nothing to run.\n");
    return out;
  }

  const MigrationStep* strongest = nullptr;
  bool in_transaction = true;
  for (const MigrationStep& step : migration) {
    if (step.direction != Direction::kUp) continue;
    in_transaction = in_transaction && step.transactional;
    if (strongest == nullptr || step.blocks > strongest->blocks) strongest = &step;
  }
  std::pmr::string summary(memory);
  Append(summary, text::Integer(CountSteps(migration, Direction::kUp)),
         CountSteps(migration, Direction::kUp) == 1 ? " step" : " steps", ", about ",
         text::Duration(TotalMs(migration, Direction::kUp)), " in all. ");
  if (strongest != nullptr && !strongest->lock_level.empty()) {
    Append(summary, "Strongest lock: ", strongest->lock_level, ", which blocks ",
           ToString(strongest->blocks), ". ");
  }
  Append(summary, "Run with psql -f FILE");
  if (!in_transaction) Append(summary, ", without --single-transaction");
  Append(summary, ".");
  AppendComment(out, "", summary);
  Append(out, "\n\\set ON_ERROR_STOP on\n");
  AppendUp(out, migration);

  bool verified = false;
  for (const MigrationStep& step : migration) {
    if (step.direction != Direction::kUp || step.verify.empty()) continue;
    if (!verified) Append(out, "\n-- Verify\n");
    verified = true;
    Append(out, step.verify, ";\n");
  }

  Append(out, "\n-- Way back");
  const std::int32_t downs = CountSteps(migration, Direction::kDown);
  if (downs == 0) {
    Append(out, ": none is needed or possible, see the steps' notes.\n");
    return out;
  }
  Append(out, ", about ", text::Duration(TotalMs(migration, Direction::kDown)),
         ". To take the change back, run what follows without the leading dashes.\n");
  for (const MigrationStep& step : migration) {
    if (step.direction != Direction::kDown) continue;
    Append(out, "-- Step ", text::Integer(step.step), " of ", text::Integer(downs), ": ");
    AppendCost(out, step);
    Append(out, "\n");
    if (!step.note.empty()) AppendComment(out, "", step.note);
    if (IsStrong(step)) AppendCommentedSql(out, "SET lock_timeout = '5s'");
    AppendCommentedSql(out, step.sql);
    if (IsStrong(step)) AppendCommentedSql(out, "RESET lock_timeout");
  }
  return out;
}

}  // namespace assist

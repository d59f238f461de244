// How a hazard is put into words: severity by size, the forecast of a lock, and the SQL that safe
// forms share.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

constexpr std::string_view kModes[] = {
    "ACCESS SHARE", "ROW SHARE",           "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
    "SHARE",        "SHARE ROW EXCLUSIVE", "EXCLUSIVE",     "ACCESS EXCLUSIVE"};

// SOURCE: PostgreSQL documentation, table 13.2; bit n = mode n + 1.
constexpr unsigned kConflicts[] = {0b10000000, 0b11000000, 0b11110000, 0b11111000,
                                   0b11101100, 0b11111100, 0b11111110, 0b11111111};

constexpr std::size_t kMostHolders = 3;

// "pid 4711 (app, idle in transaction) holds ROW EXCLUSIVE on it, for 14 min"
void AppendHolder(Text& out, const Holder& holder) {
  if (!holder.visible) {
    text::Append(out, "another session holds ", holder.mode);
    return;
  }
  text::Append(out, "pid ", text::Integer(holder.pid));
  if (holder.autovacuum) {
    text::Append(out, " (autovacuum)");
  } else if (!holder.role.empty()) {
    text::Append(out, " (", holder.role);
    if (!holder.state.empty()) text::Append(out, ", ", holder.state);
    text::Append(out, ")");
  }
  text::Append(out, " holds ", holder.mode);
  if (holder.seconds >= 1)
    text::Append(out, " in a transaction of ", text::Duration(holder.seconds * 1e3));
}

}  // namespace

int LockRank(std::string_view mode) {
  for (int i = 0; i < 8; ++i)
    if (kModes[i] == mode) return i + 1;
  return 0;
}

bool LocksConflict(std::string_view held, std::string_view wanted) {
  const int a = LockRank(held), b = LockRank(wanted);
  return a != 0 && b != 0 && (kConflicts[a - 1] >> (b - 1) & 1) != 0;
}

Blocks BlockedBy(std::string_view lock) {
  const int rank = LockRank(lock);
  return rank == 8 ? Blocks::kReadsAndWrites : rank >= 5 ? Blocks::kWrites : Blocks::kNothing;
}

Text Quoted(std::string_view name) {
  Text out;
  text::AppendIdentifier(out, name);
  return out;
}

Text QuotedList(const List<Text>& names) {
  Text out;
  for (const Text& name : names) {
    if (!out.empty()) out += ", ";
    text::AppendIdentifier(out, name);
  }
  return out;
}

void Say(Text& out, std::string_view sentence) {
  if (sentence.empty()) return;
  if (!out.empty()) out += ' ';
  out += sentence;
}

Text BackfillLoop(std::string_view table, std::string_view set, std::string_view missing) {
  // By ctid: needs no key, and reads no more than the batch.
  return Join(
      "DO $assist$\nBEGIN\n  LOOP\n    UPDATE ", table, " SET ", set,
      "\n      WHERE ctid = ANY (ARRAY(SELECT ctid FROM ", table, " WHERE ", missing,
      " LIMIT 10000));\n    EXIT WHEN NOT FOUND;\n    COMMIT;\n  END LOOP;\nEND\n$assist$;\n");
}

Text NotNullSteps(const Object& table, std::string_view column) {
  const Text name = Quoted(text::ObjectName(Join(table.name, "_", column), "_not_null",
                                            std::pmr::get_default_resource()));
  const Text quoted = Quoted(column);
  return Join("ALTER TABLE ", table.qualified, " ADD CONSTRAINT ", name, " CHECK (", quoted,
              " IS NOT NULL) NOT VALID;\nALTER TABLE ", table.qualified, " VALIDATE CONSTRAINT ",
              name, ";\nALTER TABLE ", table.qualified, " ALTER COLUMN ", quoted,
              " SET NOT NULL;\nALTER TABLE ", table.qualified, " DROP CONSTRAINT ", name, ";\n");
}

Severity Checker::Scaled(Severity usual, double ms) {
  if (ms < 0) return usual;
  if (ms < 200) return std::min(usual, Severity::kLow);
  if (ms < 2000) return std::min(usual, Severity::kMedium);
  return usual;
}

Hazard& Checker::Add(std::string_view name, const Statement& s, const Object* object,
                     std::string_view lock, double ms, std::string_view why) {
  Hazard& hazard = hazards_.emplace_back();
  const HazardDescriptor* descriptor = FindHazard(name);
  hazard.name = descriptor != nullptr ? descriptor->name : name;
  hazard.severity = descriptor != nullptr ? descriptor->severity : Severity::kMedium;
  const bool by_size = descriptor != nullptr && (descriptor->family == Family::kLock ||
                                                 descriptor->family == Family::kRewrite);
  if (by_size) hazard.severity = Scaled(hazard.severity, ms);
  hazard.statement = s.number;
  hazard.line = s.line;
  hazard.position = s.position;
  hazard.lock = lock;
  hazard.blocks = BlockedBy(lock);
  hazard.ms = ms;
  hazard.explanation = why;
  if (object == nullptr) return hazard;
  hazard.object = object->qualified;
  if (object->facts != nullptr) hazard.rows = object->facts->rows;
  if (!lock.empty()) AppendForecast(hazard.explanation, *object, lock, ms);
  return hazard;
}

// "ACCESS EXCLUSIVE on shop.orders for about 2 s (1.2 GB, about 8.4 million rows): about 840 calls
// would queue."
void Checker::AppendForecast(Text& out, const Object& object, std::string_view lock,
                             double ms) const {
  const Relation* facts = object.facts;
  if (facts == nullptr || object.created) return;
  Text line = Join(lock, " on ", object.qualified);
  if (ms >= 0) text::Append(line, " for about ", text::Duration(ms));
  text::Append(line, " (", text::Bytes(static_cast<double>(facts->bytes + facts->index_bytes)));
  if (facts->rows >= 0) text::Append(line, ", about ", text::Count(facts->rows), " rows");
  text::Append(line, ")");
  const Blocks blocks = BlockedBy(lock);
  if (blocks != Blocks::kNothing && facts->calls_per_second >= 0 && ms >= 0) {
    const double calls = facts->calls_per_second * ms / 1e3;
    if (calls >= 1)
      text::Append(
          line, ": about ", text::Count(static_cast<double>(static_cast<std::int64_t>(calls))),
          blocks == Blocks::kWrites ? " calls come in that time, and those that write would queue"
                                    : " calls would queue");
    else
      text::Append(line, ": hardly a call comes in that time");
  }
  line += '.';
  Say(out, line);

  Text holders;
  std::size_t told = 0, more = 0;
  for (const Holder& holder : facts->holders) {
    if (!LocksConflict(holder.mode, lock)) continue;
    if (told == kMostHolders) {
      ++more;
      continue;
    }
    if (told++ > 0) holders += "; ";
    AppendHolder(holders, holder);
  }
  if (told == 0) return;
  if (more > 0)
    text::Append(holders, "; and ", text::Integer(static_cast<std::int64_t>(more)), " more");
  Say(out, Join("It would wait now, and others behind it: ", holders, "."));
}

}  // namespace assist::check

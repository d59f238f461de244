// The dictionaries of history: what the keys in blocks stand for.

#include <string>

#include "pg/history/work.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

namespace {
// Objects a dictionary has at most: at 5,000 statements kept, those of twenty complete turnovers.
// Rows of blocks whose object was dropped from it count among the others.
constexpr std::int32_t kMostObjects = 100000;
constexpr std::int32_t kMostPlans = 100;  // of a statement, the latest
}  // namespace

void Touch(const char* dictionary, std::span<const std::uint32_t> keys) {
  const std::vector<std::int64_t> ids(keys.begin(), keys.end());
  const Arg args[] = {Arg::Integers(ids)};
  // Once a day is enough: what was seen last is only asked for when there are too many.
  Execute(("UPDATE assist." + std::string(dictionary) +
           " SET last_seen = clock_timestamp() WHERE id = ANY ($1::int[])"
           " AND last_seen < clock_timestamp() - interval '1 day'")
              .c_str(),
          args);
}

void PruneDictionaries() {
  const Arg args[] = {Arg::Int4(kMostObjects)};
  for (const char* dictionary : {"history_statement", "history_relation", "history_wait"}) {
    const std::string name = std::string("assist.") + dictionary;
    Execute(("DELETE FROM " + name + " WHERE id IN (SELECT id FROM " + name +
             " ORDER BY last_seen DESC, id DESC OFFSET $1)")
                .c_str(),
            args);
  }
  Execute(
      "DELETE FROM assist.history_plan p"
      " WHERE NOT EXISTS (SELECT 1 FROM assist.history_statement s WHERE s.id = p.statement)");
  const Arg plans[] = {Arg::Int4(kMostPlans)};
  Execute(
      "DELETE FROM assist.history_plan WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER "
      "(PARTITION BY statement ORDER BY id DESC) AS n FROM assist.history_plan) p WHERE n > $1)",
      plans);
}

}  // namespace assist::pg

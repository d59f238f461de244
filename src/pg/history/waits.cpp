// What statements waited for, in the intervals of history.

#include "pg/history/counters.hpp"
#include "pg/history/work.hpp"

extern "C" {
#include "access/xlog.h"
#include "miscadmin.h"  // for MyDatabaseId
#include "pgstat.h"
#include "utils/timestamp.h"  // for PgStartTime
}

namespace assist::pg {

namespace {

// One row per entry of the dictionary; what gave way has neither user nor statement.
#define ASSIST_SEEN                                                                             \
  " (SELECT coalesce(queryid, 0) AS queryid, coalesce(userid, 0::oid) AS userid,"               \
  "   coalesce(toplevel, false) AS toplevel, coalesce(wait_event_type, '') AS wait_event_type," \
  "   coalesce(wait_event, '') AS wait_event, sum(samples)::int8 AS samples,"                   \
  "   (1000 * sum(wait_time))::int8 AS wait_us"                                                 \
  "  FROM assist._waits() WHERE dbid = $1 GROUP BY 1, 2, 3, 4, 5) w"

constexpr const char* kEnter =
    "INSERT INTO assist.history_wait (queryid, userid, toplevel, wait_event_type, wait_event, "
    "last_seen)"
    " SELECT queryid, userid, toplevel, wait_event_type, wait_event, clock_timestamp() "
    "FROM" ASSIST_SEEN
    " WHERE NOT EXISTS (SELECT 1 FROM assist.history_wait h WHERE h.queryid = w.queryid AND "
    "h.userid = w.userid"
    "   AND h.toplevel = w.toplevel AND h.wait_event_type = w.wait_event_type AND h.wait_event = "
    "w.wait_event)"
    " ON CONFLICT DO NOTHING";

constexpr const char* kRead =
    "SELECT h.id, b.counters, w.samples, w.wait_us FROM" ASSIST_SEEN
    " JOIN assist.history_wait h USING (queryid, userid, toplevel, wait_event_type, wait_event)"
    " LEFT JOIN assist.history_base b ON b.kind = $2 AND b.oid = h.id::oid";

}  // namespace

void RecordWaits(const HistoryTiers& tiers, const Interval& interval, bool truncate,
                 std::pmr::memory_resource* memory) {
  constexpr HistoryKind kKind = HistoryKind::kWait;
  // Samples are counted from the server's start on.
  if (PgStartTime > interval.start) Execute("DELETE FROM assist.history_base WHERE kind = 6");
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Int4(static_cast<int>(kKind))};
  Execute(kEnter, {args, 1});
  HistoryBuilder builder(kKind, memory);
  CounterBases bases(kKind);
  std::vector<std::uint32_t> ids;
  QueryFresh(kRead, args, [&](const Row& row) {
    const std::int64_t now[] = {row.Integer(2), row.Integer(3)};
    std::uint64_t gain[2];
    const auto id = static_cast<std::uint32_t>(row.Integer(0));
    if (!bases.Gain(id, now, row, 1, true, gain)) return;
    builder.Add(id, gain);
    ids.push_back(id);
  });
  bases.Save();
  Touch("history_wait", ids);
  StoreBlock(tiers, 0, interval, std::move(builder).Finish(), truncate, memory);
}

}  // namespace assist::pg

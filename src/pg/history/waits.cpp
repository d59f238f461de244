// What statements waited for, in the intervals of history.

#include "pg/history/counters.hpp"
#include "pg/history/work.hpp"
#include "pg/store/store.hpp"

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

// What gave way, or began anew after it had, has moved into the sums of its event, with what was
// recorded of it.
constexpr const char* kEvicted =
    "WITH w AS (SELECT * FROM" ASSIST_SEEN
    "), gone AS (DELETE FROM assist.history_base b USING assist.history_wait h"
    "  WHERE b.kind = 6 AND h.id::oid = b.oid AND h.queryid <> 0 AND NOT EXISTS (SELECT 1 FROM w"
    "   WHERE w.queryid = h.queryid AND w.userid = h.userid AND w.toplevel = h.toplevel AND "
    "w.wait_event_type = h.wait_event_type AND w.wait_event = h.wait_event AND w.samples >= "
    "b.counters[1]) RETURNING h.wait_event_type, h.wait_event, b.counters),"
    " sums AS (SELECT h.id, w.samples, w.wait_us, sum(g.counters[1])::int8 AS moved, "
    "sum(g.counters[2])::int8 AS moved_us FROM gone g JOIN assist.history_wait h ON h.queryid = 0 "
    "AND h.userid = 0 AND h.wait_event_type = g.wait_event_type AND h.wait_event = g.wait_event"
    "  JOIN w ON w.queryid = 0 AND w.userid = 0 AND w.wait_event_type = h.wait_event_type AND "
    "w.wait_event = h.wait_event GROUP BY 1, 2, 3)"
    // Not more than there is: after assist.reset() nothing moved.
    " INSERT INTO assist.history_base AS b (kind, oid, counters) SELECT 6, s.id::oid, "
    "ARRAY[least(s.moved, s.samples), least(s.moved_us, s.wait_us)] FROM sums s"
    " ON CONFLICT (kind, oid) DO UPDATE SET counters = (SELECT ARRAY[least(b.counters[1] + "
    "s.moved, "
    "s.samples), least(b.counters[2] + s.moved_us, s.wait_us)] FROM sums s WHERE s.id::oid = "
    "b.oid)";

bool HasBases() {
  bool there = false;
  Query("SELECT EXISTS (SELECT 1 FROM assist.history_base WHERE kind = 6)",
        [&](const Row& row) { there = row.Flag(0); });
  return there;
}

constexpr const char* kRead =
    "SELECT h.id, b.counters, w.samples, w.wait_us FROM" ASSIST_SEEN
    " JOIN assist.history_wait h USING (queryid, userid, toplevel, wait_event_type, wait_event)"
    " LEFT JOIN assist.history_base b ON b.kind = $2 AND b.oid = h.id::oid";

}  // namespace

void RecordWaits(const HistoryTiers& tiers, const Interval& interval,
                 std::pmr::memory_resource* memory) {
  constexpr HistoryKind kKind = HistoryKind::kWait;
  // Samples are counted from the server's start on; a standby records nothing of them.
  if (PgStartTime > interval.start) Execute("DELETE FROM assist.history_base WHERE kind = 6");
  const bool promoted = store()->recordable_since > PgStartTime && !HasBases();
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Int4(static_cast<int>(kKind))};
  Execute(kEnter, {args, 1});
  Execute(kEvicted, {args, 1});
  HistoryBuilder builder(kKind, memory);
  CounterBases bases(kKind);
  std::vector<std::uint32_t> ids;
  QueryFresh(kRead, args, [&](const Row& row) {
    const std::int64_t now[] = {row.Integer(2), row.Integer(3)};
    std::uint64_t gain[2];
    const auto id = static_cast<std::uint32_t>(row.Integer(0));
    if (!bases.Gain(id, now, row, 1, !promoted, gain)) return;
    builder.Add(id, gain);
    ids.push_back(id);
  });
  bases.Save();
  Touch("history_wait", ids);
  StoreBlock(tiers, 0, interval, std::move(builder).Finish(), memory);
}

}  // namespace assist::pg

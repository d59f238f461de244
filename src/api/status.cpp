// assist._status(): what each part does, what it holds and what it had to give up.

#include <csignal>

#include "pg/event/ring.hpp"
#include "pg/foreign_text.hpp"
#include "pg/row_sink.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"
#include "pg/store/admit.hpp"
#include "pg/store/text_arena.hpp"
#include "pg/store/waits.hpp"

extern "C" {
#include "access/xlog.h"  // for RecoveryInProgress
}

namespace {

using namespace assist::pg;  // NOLINT: this file shows the store

struct Line {
  const char* component;
  const char* state;
  const char* detail;
  int64 used = -1, limit = -1, evictions = -1, lost = -1;
  TimestampTz last_run = 0;
  const char* last_error = nullptr;
};

void put(RowSink& sink, const Line& line) {
  const auto number = [&sink](int64 n) { n >= 0 ? sink.int8(n) : sink.null(); };
  // Workers report from any database.
  const auto put_text = [&sink](const char* text) {
    Size length = strlen(text);
    const char* here = valid_text(text, &length);
    sink.text(here, length);
  };
  sink.text(line.component);
  sink.text(line.state);
  put_text(line.detail);
  number(line.used);
  number(line.limit);
  number(line.evictions);
  number(line.lost);
  sink.moment(line.last_run);
  line.last_error != nullptr && line.last_error[0] != '\0' ? put_text(line.last_error) : sink.null();
  sink.end_row();
}

Line pool(const char* name, uint32 count, uint32 capacity, Size each) {
  Line line = {name, count < capacity ? "ok" : "full", psprintf("%u of %u entries", count, capacity)};
  line.used = static_cast<int64>(count * each);
  line.limit = static_cast<int64>(capacity * each);
  return line;
}

void put_components(RowSink& sink) {
  static const char* const kNames[kComponents] = {"collector", "launcher", "analyst"};
  for (int i = 0; i < kComponents; ++i) {
    SpinLockAcquire(&store()->component_lock);
    Component c = store()->components[i];
    SpinLockRelease(&store()->component_lock);
    const bool started = c.pid != 0;
    const bool alive = started && kill(c.pid, 0) == 0;
    Line line = {kNames[i], !started ? "not started" : alive || i == kAnalyst ? c.state : "stopped", c.detail};
    if (!started && i == kLauncher && RecoveryInProgress())
      line.detail = "it starts when recovery has ended";
    else if (!started && i != kAnalyst)
      line.detail =
          "it starts within seconds unless background workers are used up: see max_worker_processes";
    line.last_run = c.last_run;
    line.last_error = c.last_error;
    put(sink, line);
  }
}

void put_events(RowSink& sink) {
  uint64 held, unpublished;
  Size bytes;
  if (!event_ring_usage(&held, &unpublished, &bytes)) return;
  Line line = {"events", unpublished > 0 ? "some lost" : "ok",
               psprintf("the last " UINT64_FORMAT " of %u; " UINT64_FORMAT " could not be kept", held, kEvents, unpublished)};
  line.used = static_cast<int64>(held * sizeof(Event));
  line.limit = static_cast<int64>(bytes);
  put(sink, line);
}

void put_query_ids(RowSink& sink) {
  Line line = {"query ids", "ok", "computed by the server"};
  if (compute_query_id == COMPUTE_QUERY_ID_OFF) {
    line.state = "off";
    line.detail = "compute_query_id is off: statements are not seen unless another extension computes query ids";
  }
  if (track == kTrackNone) {
    line.state = "off";
    line.detail = "assist.track is none: no statement is recorded";
  }
  put(sink, line);
}

void put_gaps(RowSink& sink) {
  Gap gaps[kGaps];
  SpinLockAcquire(&store()->free_lock);
  const uint32 count = store()->gap_count;
  memcpy(gaps, store()->gaps, sizeof gaps);
  SpinLockRelease(&store()->free_lock);
  for (uint32 i = count > kGaps ? count - kGaps : 0; i < count; ++i) {
    const Gap& gap = gaps[i % kGaps];
    const char* from = pstrdup(timestamptz_to_str(gap.from));  // its buffer is used again
    Line line = {"gap", "recorded",
                 psprintf("nothing is known from %s to the start at %s: the server did not shut down cleanly",
                          from, timestamptz_to_str(gap.until))};
    line.last_run = gap.until;
    put(sink, line);
  }
}

void put_overhead(RowSink& sink) {
  uint64 ns = 0, executions = 0;
  for (uint32 i = 0; i < store()->slot_count; ++i) {
    ns += slot_at(i)->sampled_ns;
    executions += slot_at(i)->sampled_executions;
  }
  const uint32 slowdown = store()->sampling_slowdown;
  put(sink, {"sampling", slowdown > 1 ? "slowed down" : sample_rate > 0 ? "ok" : "new plans only",
             psprintf("%.0f ms spent on " UINT64_FORMAT " sampled executions since the start; one in %.0f is taken",
                      static_cast<double>(ns) / 1e6, executions,
                      sample_rate > 0 ? slowdown / sample_rate : 0)});
}

void put_index_use(RowSink& sink) {
  LWLockAcquire(index_table_lock(), LW_SHARED);
  uint32 used = 0;
  for (uint32 i = 0; i < store()->index_capacity; ++i) used += index_at(i)->counter.indexid != InvalidOid;
  const uint64 evictions = store()->evicted_indexes;
  const TimestampTz lost = store()->index_use_lost;
  LWLockRelease(index_table_lock());
  Line line = pool("index use", used, store()->index_capacity, sizeof(IndexCounter));
  line.evictions = static_cast<int64>(evictions);
  if (evictions > 0) {
    line.state = "some lost";
    line.detail = psprintf("%s; scans before %s may be missing; raise assist.max_statements", line.detail,
                           timestamptz_to_str(lost));
  }
  put(sink, line);
}

void put_waits(RowSink& sink) {
  const WaitsAccount a = read_waits_account();
  Line line = {"waits", wait_interval_ms == 0 ? "off" : a.looks == 0 ? "not started" : "ok", "assist.wait_interval is 0"};
  if (wait_interval_ms > 0) {
    const auto looks = static_cast<double>(a.looks > 0 ? a.looks : 1);
    const auto interval = static_cast<double>(a.interval_us) / 1e3;
    if (a.interval_us > static_cast<uint64>(wait_interval_ms) * 1000) line.state = "slowed down";
    line.detail = psprintf("%u of %u entries; every %.0f ms, %.3f ms each; " UINT64_FORMAT " samples, %.0f s without one", a.entries,
                           a.capacity, interval, static_cast<double>(a.look_ns) / 1e6 / looks, a.samples,
                           static_cast<double>(a.skipped_us) / 1e6);
  }
  line.used = static_cast<int64>(a.used);
  line.limit = static_cast<int64>(a.bytes);
  line.evictions = static_cast<int64>(a.evictions);
  line.last_run = a.last_look;
  put(sink, line);
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_status) {
  Guarded([&] {
    RowSink sink(fcinfo);
    if (!is_preloaded()) {
      put(sink, {"library", "not preloaded", "add pg_assist to shared_preload_libraries and restart the server"});
      sink.finish();
      return;
    }
    const Store& s = *store();
    Line memory = {"shared memory", "ok",
                   psprintf("%u backends' slots of %zu bytes, central store, text arena", s.slot_count, sizeof(Slot))};
    memory.used = memory.limit = static_cast<int64>(s.total_bytes);
    put(sink, memory);

    // What slots have is not moved into the store meanwhile.
    LWLockAcquire(index_table_lock(), LW_SHARED);
    uint64 lost = 0, passed = 0;
    for (uint32 i = 0; i < s.slot_count; ++i) {
      lost += slot_at(i)->lost_calls - slot_at(i)->taken_lost_calls + passed_calls(slot_at(i));
      passed += passed_statements(slot_at(i));
    }
    SpinLockAcquire(&store()->free_lock);
    const Store now = s;
    SpinLockRelease(&store()->free_lock);
    LWLockRelease(index_table_lock());
    Line statements = pool("statements", now.statement_count, now.statement_capacity, sizeof(StatementEntry));
    statements.evictions = static_cast<int64>(now.evictions + passed);
    statements.lost = static_cast<int64>(now.lost_calls + now.evicted_calls + lost);
    put(sink, statements);
    Line plans = pool("plans", now.plan_count, now.plan_capacity, sizeof(PlanEntry));
    plans.evictions = static_cast<int64>(now.evicted_plans);
    put(sink, plans);
    put_index_use(sink);
    put(sink, pool("predicates", now.predicate_count, now.predicate_capacity, sizeof(PredicateEntry)));
    put(sink, pool("errors", now.error_count, now.error_capacity, sizeof(ErrorEntry)));
    Line texts = {"texts", now.lost_texts > 0 ? "some lost" : "ok",
                  psprintf(UINT64_FORMAT " texts and " UINT64_FORMAT " predicates could not be kept", now.lost_texts,
                           now.lost_predicates)};
    texts.used = static_cast<int64>(arena_used());
    texts.limit = static_cast<int64>(now.arena_bytes);
    put(sink, texts);
    put_waits(sink);
    put_events(sink);
    put_query_ids(sink);
    put_overhead(sink);
    put_components(sink);
    put_gaps(sink);
    sink.finish();
  });
  return Datum{0};
}

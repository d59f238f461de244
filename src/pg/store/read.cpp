// Readers of the store.

#include "pg/store/read.hpp"

#include <exception>
#include <unordered_map>

#include "pg/store/constants.hpp"
#include "pg/store/text_arena.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// A held lock that an exception releases.
class HeldLock {
 public:
  explicit HeldLock(LWLock* lock, LWLockMode mode = LW_SHARED) : lock_(lock) { LWLockAcquire(lock_, mode); }
  ~HeldLock() { LWLockRelease(lock_); }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

 private:
  LWLock* lock_;
};

struct SlotPlace {
  Slot* slot;
  int entry;
};

// Entries in use by partition, so that each partition's lock is taken once.
std::vector<std::vector<SlotPlace>> PlacesByPartition() {
  std::vector<std::vector<SlotPlace>> places(kPartitions);
  for (uint32 n = 0; n < store()->slot_count; ++n) {
    Slot* slot = slot_at(n);
    if (slot->activity == 0) continue;
    for (int i = 0; i < kSlotEntries; ++i) {
      // Unlocked: an entry that changes hands now is seen under its new statement or not at all.
      const SlotEntry& entry = slot->entries[i];
      if (entry.queryid != 0) places[partition_of(entry.dbid, entry.queryid)].push_back({slot, i});
    }
  }
  return places;
}

struct KeyHash {
  size_t operator()(const StatementKey& k) const {
    return mix64(k.queryid ^ (uint64{k.userid} << 32) ^ k.dbid ^ (uint64{k.toplevel} << 63));
  }
};
struct KeyEqual {
  bool operator()(const StatementKey& a, const StatementKey& b) const { return same_key(a, b); }
};

// A slot's gain, if its entry belongs to `partition` now. REQUIRES: the partition's lock, shared.
struct Gain {
  SlotEntry entry;
  Counters sums;
  uint32 latency[kLatencyBuckets];
};
bool ReadGain(const SlotPlace& place, uint32 partition, Gain* gain) {
  const SlotEntry* live = &place.slot->entries[place.entry];
  if (!copy_slot_entry(live, &gain->entry) || gain->entry.queryid == 0 ||
      partition_of(gain->entry.dbid, gain->entry.queryid) != partition)
    return false;
  return slot_gain(gain->entry, place.slot->taken[place.entry], &gain->sums, gain->latency);
}

StatementKey KeyOf(const SlotEntry& e) { return {e.userid, e.dbid, e.queryid, e.toplevel}; }

std::string BlockText(dsa_pointer pointer) {
  const TextBlock* block = arena_get(pointer);
  return block != nullptr ? std::string(block->data, block->bytes) : std::string();
}

void AppendLines(std::string* to, const char* lines) {
  for (const char* line = lines; *line != '\0';) {
    const char* end = strchr(line, '\n');
    const size_t n = end != nullptr ? static_cast<size_t>(end - line) + 1 : strlen(line);
    if (to->find(std::string(line, n)) == std::string::npos) to->append(line, n);
    line += n;
  }
}

template <typename Visit>
void ForEachStatement(Visit visit) {
  for (uint32 p = 0; p < kPartitions; ++p) {
    HeldLock lock(partition_lock(p));
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions)
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) visit(*statement_at(i));
  }
}

}  // namespace

namespace {

// Sets the text of a row from a statement's block. REQUIRES: the partition's lock, shared.
void PutText(dsa_pointer pointer, bool with_text, StatementRow* row) {
  const TextBlock* block = arena_get(pointer);
  row->has_text = block != nullptr;
  row->cut = block != nullptr && (block->flags & kTextCut) != 0;
  if (!with_text || block == nullptr) return;
  row->text = block->data;
  row->command = block->data + block->extra;
  row->search_path = block->data + block->extra + row->command.size() + 1;
}

}  // namespace

std::vector<StatementRow> ReadStatements(bool with_text) {
  std::vector<StatementRow> rows;
  const auto places = PlacesByPartition();
  std::unordered_map<StatementKey, size_t, KeyHash, KeyEqual> index;
  for (uint32 p = 0; p < kPartitions; ++p) {
    HeldLock lock(partition_lock(p));
    index.clear();
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions) {
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) {
        const StatementEntry& e = *statement_at(i);
        index[e.key] = rows.size();
        StatementRow& row = rows.emplace_back();
        row.key = e.key;
        row.sums = e.sums;
        for (int n = 0; n < kLatencyBuckets; ++n) row.latency[n] = e.latency[n];
        row.min_ns = e.min_ns;
        row.max_ns = e.max_ns;
        row.first_seen = e.first_seen;
        row.last_seen = e.last_seen;
        row.plan_count = e.plan_count;
        PutText(e.text, with_text, &row);
        for (uint32 n = e.first_plan; with_text && n != kNone; n = plan_at(n)->next) {
          const TextBlock* plan = arena_get(plan_at(n)->plan);
          if (plan != nullptr && plan->extra != 0) AppendLines(&row.relations, plan->data + plan->extra);
        }
      }
    }
    for (const SlotPlace& place : places[p]) {
      Gain gain;
      if (!ReadGain(place, p, &gain)) continue;
      const auto [at, fresh] = index.try_emplace(KeyOf(gain.entry), rows.size());
      if (fresh) {
        StatementRow& row = rows.emplace_back();
        row.key = KeyOf(gain.entry);
        row.sums = {};
        memset(row.latency, 0, sizeof row.latency);
        row.min_ns = PG_UINT64_MAX;
        row.max_ns = 0;
        row.first_seen = row.last_seen = gain.entry.last_seen;
        row.plan_count = 0;
        // Another user's, or the other level's, is the same text.
        const StatementEntry* sibling = find_text_sibling(row.key);
        PutText(sibling != nullptr ? sibling->text : InvalidDsaPointer, with_text, &row);
      }
      StatementRow& row = rows[at->second];
      add_counters(&row.sums, gain.sums);
      for (int n = 0; n < kLatencyBuckets; ++n) row.latency[n] += gain.latency[n];
      if (gain.entry.minmax_epoch == store()->reset_epoch && gain.sums.calls > 0) {
        if (gain.entry.min_ns < row.min_ns) row.min_ns = gain.entry.min_ns;
        if (gain.entry.max_ns > row.max_ns) row.max_ns = gain.entry.max_ns;
      }
      if (gain.entry.last_seen > row.last_seen) row.last_seen = gain.entry.last_seen;
      if (gain.entry.planid != 0 && row.plan_count == 0) row.plan_count = 1;
    }
  }
  return rows;
}

std::vector<PlanRow> ReadPlans() {
  std::vector<PlanRow> rows;
  const auto places = PlacesByPartition();
  for (uint32 p = 0; p < kPartitions; ++p) {
    HeldLock lock(partition_lock(p));
    const size_t from = rows.size();
    for (uint32 b = p; b < store()->bucket_count; b += kPartitions) {
      for (uint32 i = *bucket_at(b); i != kNone; i = statement_at(i)->next) {
        for (uint32 n = statement_at(i)->first_plan; n != kNone; n = plan_at(n)->next) {
          const PlanEntry& e = *plan_at(n);
          PlanRow& row = rows.emplace_back();
          row.key = statement_at(i)->key;
          row.planid = e.planid;
          row.calls = e.calls;
          row.exec_ns = e.exec_ns;
          row.sampled = e.sampled;
          for (int l = 0; l < kLatencyBuckets; ++l) row.latency[l] = count_in(e.latency, l);
          row.estimated_cost = e.estimated_cost;
          row.misestimate = e.misestimate;
          row.underestimated = e.underestimated;
          row.first_seen = e.first_seen;
          row.last_seen = e.last_seen;
          const TextBlock* block = arena_get(e.plan);
          if (block != nullptr) row.plan = block->data;
        }
      }
    }
    for (const SlotPlace& place : places[p]) {
      Gain gain;
      if (!ReadGain(place, p, &gain) || gain.entry.planid == 0 || gain.sums.calls == 0) continue;
      PlanRow* row = nullptr;
      const StatementKey key = KeyOf(gain.entry);
      for (size_t n = from; n < rows.size() && row == nullptr; ++n)
        if (rows[n].planid == gain.entry.planid && same_key(rows[n].key, key)) row = &rows[n];
      if (row == nullptr) {
        row = &rows.emplace_back();
        row->key = key;
        row->planid = gain.entry.planid;
        row->calls = row->exec_ns = row->sampled = 0;
        memset(row->latency, 0, sizeof row->latency);
        row->estimated_cost = row->misestimate = 0;
        row->underestimated = false;
        row->first_seen = row->last_seen = gain.entry.last_seen;
      }
      row->calls += gain.sums.calls;
      row->exec_ns += gain.sums.exec_ns;
      row->sampled += gain.sums.sampled;
      for (int l = 0; l < kLatencyBuckets; ++l) row->latency[l] += gain.latency[l];
      if (gain.entry.last_seen > row->last_seen) row->last_seen = gain.entry.last_seen;
    }
  }
  return rows;
}

std::vector<PredicateRow> ReadPredicates() {
  std::vector<PredicateRow> rows;
  ForEachStatement([&rows](const StatementEntry& e) {
    for (uint32 n = e.first_predicate; n != kNone; n = predicate_at(n)->next) {
      PredicateRow& row = rows.emplace_back();
      row.key = e.key;
      row.entry = *predicate_at(n);
      row.description = BlockText(row.entry.description);
    }
  });
  return rows;
}

std::vector<ErrorRow> ReadErrors() {
  std::vector<ErrorRow> rows;
  ForEachStatement([&rows](const StatementEntry& e) {
    for (uint32 n = e.first_error; n != kNone; n = error_at(n)->next) rows.push_back({e.key, *error_at(n)});
  });
  return rows;
}

std::vector<SampleRow> ReadSamples() {
  std::vector<SampleRow> rows;
  ForEachStatement([&rows](const StatementEntry& e) {
    for (uint32 n = e.first_plan; n != kNone; n = plan_at(n)->next) {
      for (const dsa_pointer sample : plan_at(n)->samples) {
        if (!DsaPointerIsValid(sample)) continue;
        rows.push_back({e.key, plan_at(n)->planid, BlockText(sample)});
      }
    }
  });
  return rows;
}

// Whether the kept constant of two plans is the same, for each.
static void find_same(const TextBlock* a, const TextBlock* b, bool same[kMostTallied]) {
  ConstantsReader left(a->data, constants_size(a)), right(b->data, constants_size(b));
  ConstantRead x, y;
  for (int n = 0; n < kMostTallied && left.next(&x) && right.next(&y); ++n)
    same[n] = x.known && y.known && x.length == y.length && memcmp(x.literal, y.literal, static_cast<Size>(x.length)) == 0;
}

// Over all plans, by their calls; what a plan without a tally had may have been another.
static uint32 read_held(const StatementEntry& statement, const TextBlock* kept, double held[kMostTallied]) {
  uint32 samples = 0;
  auto calls = static_cast<double>(statement.evicted_plan_calls);
  std::fill_n(held, kMostTallied, 0.0);
  for (uint32 i = statement.first_plan; i != kNone; i = plan_at(i)->next) {
    const PlanEntry& plan = *plan_at(i);
    const TextBlock* block = arena_get(plan.constants);
    ConstantsTally tally;
    bool same[kMostTallied] = {};
    calls += static_cast<double>(plan.calls);
    if (!read_tally(block, &tally) || tally.executions <= 0) continue;
    samples += tally.samples;
    find_same(kept, block, same);
    for (int n = 0; n < kMostTallied; ++n)
      if (same[n]) held[n] += static_cast<double>(plan.calls) * tally.same[n] / tally.executions;
  }
  for (int n = 0; n < kMostTallied; ++n) held[n] = calls > 0 ? held[n] / calls : 0;
  return samples;
}

bool read_planning_text(const StatementKey& key, uint64 planid, PlanningText* out) {
  // Copied under the lock, taken apart after it: palloc may fail.
  constexpr Size kMostText = 1 << 20;
  MemoryContext context = CurrentMemoryContext;
  Size text_bytes = 0, constants_bytes = 0;
  char* text = nullptr;
  char* constants = nullptr;
  bool cut = false;
  uint32 samples = 0;
  double held[kMostTallied];
  LWLock* lock = partition_lock(partition_of(key.dbid, key.queryid));
  LWLockAcquire(lock, LW_SHARED);
  StatementEntry* statement = find_statement(key);
  const TextBlock* block = statement != nullptr ? arena_get(statement->text) : nullptr;
  if (block != nullptr && block->bytes <= kMostText) {
    PlanEntry* plan = nullptr;
    for (uint32 n = statement->first_plan; n != kNone; n = plan_at(n)->next) {
      PlanEntry* p = plan_at(n);
      const bool better = planid != 0 ? p->planid == planid
                                      : plan == nullptr || p->exec_ns > plan->exec_ns ||
                                            !DsaPointerIsValid(plan->constants);
      if (better && DsaPointerIsValid(p->constants)) plan = p;
    }
    const TextBlock* kept = plan != nullptr ? arena_get(plan->constants) : nullptr;
    cut = (block->flags & kTextCut) != 0;
    text = static_cast<char*>(MemoryContextAllocExtended(context, block->bytes, MCXT_ALLOC_NO_OOM));
    if (text != nullptr) memcpy(text, block->data, text_bytes = block->bytes);
    if (kept != nullptr)
      constants = static_cast<char*>(MemoryContextAllocExtended(context, kept->bytes, MCXT_ALLOC_NO_OOM));
    if (constants != nullptr) {
      memcpy(constants, kept->data, constants_bytes = constants_size(kept));
      samples = read_held(*statement, kept, held);
    }
  }
  LWLockRelease(lock);
  if (text == nullptr) return false;

  const char* command = text + strlen(text) + 1;
  const char* path = command + strlen(command) + 1;
  TextConstants mapping;
  memcpy(&mapping, path + strlen(path) + 1, offsetof(TextConstants, ordinal));
  out->userid = key.userid;
  out->text = text;
  out->search_path = path;
  out->truncated = cut;
  out->samples = samples;
  out->nparams = mapping.first - 1 + mapping.count;
  out->params = static_cast<PlanningParam*>(palloc0(sizeof(PlanningParam) * static_cast<Size>(out->nparams + 1)));
  ConstantsReader reader(constants, constants_bytes);
  ConstantRead read;
  for (int n = 0; n < out->nparams && reader.next(&read); ++n) {
    out->params[n].type = read.type;
    out->params[n].known = read.known;
    if (n < kMostTallied && constants != nullptr) out->params[n].held = held[n];
    if (read.known) out->params[n].literal = pnstrdup(read.literal, static_cast<Size>(read.length));
  }
  return true;
}

std::vector<IndexCounter> ReadIndexes() {
  std::vector<IndexCounter> rows;
  std::unordered_map<uint64, size_t> index;
  HeldLock lock(index_table_lock(), LW_EXCLUSIVE);  // a shared one may add to them
  const auto add = [&](const IndexCounter& gain) {
    const auto [at, fresh] = index.try_emplace((uint64{gain.dbid} << 32) | gain.indexid, rows.size());
    if (fresh) {
      rows.push_back(gain);
      return;
    }
    IndexCounter& row = rows[at->second];
    row.executor_scans += gain.executor_scans;
    row.constraint_checks += gain.constraint_checks;
    row.tuples += gain.tuples;
    if (gain.last_use > row.last_use) row.last_use = gain.last_use;
  };
  for (uint32 i = 0; i < store()->index_capacity; ++i)
    if (index_at(i)->counter.indexid != InvalidOid) add(index_at(i)->counter);
  for (uint32 n = 0; n < store()->slot_count; ++n) {
    const Slot* slot = slot_at(n);
    if (slot->activity == 0) continue;
    IndexCounter gain;
    IndexCounter now[kIndexSlots];
    if (copy_slot_indexes(slot, now)) {
      for (int i = 0; i < kIndexSlots; ++i)
        if (index_gain(now[i], slot->taken_indexes[i], &gain)) add(gain);
    }
    for (int i = 0; i < kSlotEntries; ++i) {
      SlotEntry entry;
      Counters sums;
      uint32 latency[kLatencyBuckets];
      if (slot->entries[i].indexid == InvalidOid || !copy_slot_entry(&slot->entries[i], &entry)) continue;
      if (slot_gain(entry, slot->taken[i], &sums, latency) && entry_index_gain(entry, sums, &gain)) add(gain);
    }
  }
  return rows;
}

}  // namespace assist::pg

// Confirming estimated bloat by pgstattuple.

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "core/bloat.hpp"
#include "pg/own_sql.hpp"
#include "pg/snapshot/reader.hpp"

extern "C" {
#include "access/htup_details.h"
#include "executor/executor.h"  // for GetAttributeByName
#include "storage/lmgr.h"
}

namespace assist::pg {

namespace {

// What an estimate must say before anything is read.
constexpr double kLeastFraction = 0.2;
constexpr std::int64_t kLeastBytes = 1 << 20;
// One relation may exceed the budget by this factor when nothing else is read in the same analysis.
constexpr std::int64_t kOversize = 32;
// A measurement holds as long as the relation is much as it was.
constexpr double kSameShare = 0.05;

struct Candidate {
  Table* table = nullptr;  // of the heap, or of the index
  Index* index = nullptr;  // nullptr = the heap itself
  Oid oid() const { return index != nullptr ? index->oid : table->oid; }
  std::int64_t pages() const { return index != nullptr ? index->pages : table->pages; }
  std::int64_t size() const { return index != nullptr ? index->size_bytes : table->size_bytes; }
  Bloat& bloat() const { return index != nullptr ? index->bloat : table->bloat; }
  std::int64_t changes() const { return table->inserted + table->updated + table->deleted; }
};

// The C functions of the extension pgstattuple, wherever it was installed; only a superuser can
// have made one, or added it to the extension. 0 = not there.
struct Functions {
  Oid heap = 0, btree = 0;
};

constexpr const char* kFunctions =
    "SELECT p.proname, p.oid FROM pg_extension e"
    " JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND "
    "d.deptype = 'e'"
    " JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid"
    " JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'"
    " WHERE e.extname = 'pgstattuple' AND p.proname IN ('pgstattuple_approx', 'pgstatindex')"
    " AND p.pronargs = 1 AND p.proargtypes[0] = 'regclass'::regtype";

Functions FindFunctions() {
  Functions functions;
  Query(kFunctions, [&](const Row& row) {
    (row.Text(0) == "pgstatindex" ? functions.btree : functions.heap) = row.Object(1);
  });
  return functions;
}

std::int64_t whole_field(HeapTupleHeader tuple, const char* name) {
  bool null;
  const Datum value = GetAttributeByName(tuple, name, &null);
  return null ? 0 : DatumGetInt64(value);
}

double real_field(HeapTupleHeader tuple, const char* name) {
  bool null;
  const Datum value = GetAttributeByName(tuple, name, &null);
  return null ? 0 : DatumGetFloat8(value);
}

struct Measured {
  bool done = false;
  std::int64_t free_bytes = 0, dead_bytes = 0;
  IndexMeasure btree;
};

// Nothing is measured where a lock would have to be waited for.
Measured measure(Oid function, Oid relation, bool is_index) {
  Measured measured;
  if (!ConditionalLockRelationOid(relation, AccessShareLock)) return measured;
  HeapTupleHeader tuple =
      DatumGetHeapTupleHeader(OidFunctionCall1(function, ObjectIdGetDatum(relation)));
  if (is_index) {
    measured.btree = {whole_field(tuple, "index_size"),    whole_field(tuple, "internal_pages"),
                      whole_field(tuple, "leaf_pages"),    whole_field(tuple, "empty_pages"),
                      whole_field(tuple, "deleted_pages"), real_field(tuple, "avg_leaf_density")};
  } else {
    measured.free_bytes = whole_field(tuple, "approx_free_space");
    measured.dead_bytes = whole_field(tuple, "dead_tuple_len");
  }
  UnlockRelationOid(relation, AccessShareLock);
  measured.done = true;
  return measured;
}

struct Earlier {
  std::int64_t size = 0, changes = 0;
  Bloat bloat;
};

std::unordered_map<Oid, Earlier> ReadEarlier() {
  std::unordered_map<Oid, Earlier> earlier;
  QueryFresh(
      "SELECT oid, size_bytes, changes, reclaimable_bytes, reclaimable_fraction, expected_bytes"
      " FROM assist.bloat_measure WHERE measured_at > clock_timestamp() - interval '1 day'"
      " AND measured_at <= clock_timestamp()",
      {}, [&](const Row& row) {
        earlier[row.Object(0)] = {row.Integer(1),
                                  row.Integer(2),
                                  {.source = SizeSource::kMeasured,
                                   .reclaimable_bytes = row.Integer(3),
                                   .reclaimable_fraction = row.Real(4),
                                   .expected_bytes = row.Integer(5)}};
      });
  return earlier;
}

bool Alike(std::int64_t then, std::int64_t now, double scale) {
  return static_cast<double>(std::max(then, now) - std::min(then, now)) <=
         kSameShare * std::max(scale, 1.0);
}

bool Holds(const Earlier& earlier, const Candidate& candidate) {
  return Alike(earlier.size, candidate.size(), static_cast<double>(candidate.size())) &&
         Alike(earlier.changes, candidate.changes(), std::max(candidate.table->rows, 0.0));
}

void Keep(const Candidate& candidate) {
  const Bloat& bloat = candidate.bloat();
  const Arg args[] = {Arg::Object(candidate.oid()),          Arg::Int8(candidate.size()),
                      Arg::Int8(candidate.changes()),        Arg::Int8(bloat.reclaimable_bytes),
                      Arg::Real(bloat.reclaimable_fraction), Arg::Int8(bloat.expected_bytes)};
  Execute(
      "INSERT INTO assist.bloat_measure (oid, measured_at, size_bytes, changes, reclaimable_bytes,"
      "  reclaimable_fraction, expected_bytes)"
      " VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6) ON CONFLICT (oid) DO UPDATE SET"
      " measured_at = clock_timestamp(), size_bytes = $2, changes = $3, reclaimable_bytes = $4,"
      " reclaimable_fraction = $5, expected_bytes = $6",
      args);
}

// False when it was skipped: locked, or gone meanwhile.
bool Confirm(const Candidate& candidate, const Functions& functions) {
  const bool is_index = candidate.index != nullptr;
  Measured measured;
  const ErrorData* error = TrySubtransaction([&] {
    measured = Guarded([&] {
      return measure(is_index ? functions.btree : functions.heap, candidate.oid(), is_index);
    });
  });
  if (error != nullptr || !measured.done) return false;
  candidate.bloat() =
      is_index ? MeasureIndexBloat(measured.btree, candidate.index->fillfactor)
               : MeasureTableBloat(*candidate.table, measured.free_bytes, measured.dead_bytes);
  Keep(candidate);
  return true;
}

bool Suspicious(const Bloat& bloat) {
  return bloat.source == SizeSource::kEstimate && bloat.reclaimable_fraction >= kLeastFraction &&
         bloat.reclaimable_bytes >= kLeastBytes;
}

// Largest gain first.
std::vector<Candidate> FindCandidates(Snapshot& snapshot, const Functions& functions) {
  std::vector<Candidate> candidates;
  for (Table& table : snapshot.tables)
    if (functions.heap != 0 && (table.kind == 'r' || table.kind == 'm') && Suspicious(table.bloat))
      candidates.push_back({&table, nullptr});
  for (Index& index : snapshot.indexes) {
    auto* table = const_cast<Table*>(snapshot.FindTable(index.table));
    if (functions.btree != 0 && table != nullptr && index.kind == 'i' && index.method == "btree" &&
        index.valid && !index.being_built && Suspicious(index.bloat))
      candidates.push_back({table, &index});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.bloat().reclaimable_bytes > b.bloat().reclaimable_bytes;
  });
  return candidates;
}

}  // namespace

void ConfirmBloat(Snapshot& snapshot, std::int64_t page_budget) {
  if (!snapshot.server.has_pgstattuple) return;
  const Functions functions = FindFunctions();
  const std::vector<Candidate> candidates = FindCandidates(snapshot, functions);
  if (candidates.empty()) return;
  const auto earlier = ReadEarlier();
  std::int64_t left = page_budget;
  for (const Candidate& candidate : candidates) {
    const auto known = earlier.find(candidate.oid());
    if (known != earlier.end() && Holds(known->second, candidate)) {
      candidate.bloat() = known->second.bloat;
      continue;
    }
    const bool alone = left == page_budget && candidate.pages() <= kOversize * page_budget;
    if (candidate.pages() > left && !alone) continue;
    if (Confirm(candidate, functions)) left -= std::min(left, candidate.pages());
  }
}

}  // namespace assist::pg

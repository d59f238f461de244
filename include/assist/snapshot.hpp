// Snapshot: everything the rules may know, read once from the server and then immutable.
//
// Every struct is a plain value: texts are std::string_view and lists std::span into the snapshot's
// own memory (Intern, Keep), so a copy is a memcpy and nothing has a destructor. A rule reads a
// Snapshot and its parameters; never SQL, a clock or a setting.
//
// Units: sizes are bytes, times are milliseconds, moments are seconds since the Unix epoch (0 =
// unknown).
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace assist {

using Oid = std::uint32_t;

// One user column. Statistics are pg_statistic's (null_fraction, average_width, distinct as
// stadistinct).
struct Column {
  std::int16_t number = 0;  // attnum
  std::string_view name;
  Oid type = 0;
  std::string_view type_name;  // format_type
  std::int16_t length = 0;     // attlen: bytes; -1 = varlena, -2 = cstring
  char align = 'i';            // attalign: c 1, s 2, i 4, d 8 bytes
  bool not_null = false;
  bool dropped = false;
  bool has_statistics = false;
  double null_fraction = 0;  // 0..1
  double average_width = 0;  // bytes of a non-null value
  double distinct = 0;       // >0 count, <0 minus share of rows, 0 unknown
  double correlation = 0;    // -1..1 physical order
};

// How a size was found out.
enum class SizeSource : std::uint8_t { kNone, kEstimate, kMeasured };

// What rewriting the relation would give back.
struct Bloat {
  SizeSource source = SizeSource::kNone;
  std::int64_t reclaimable_bytes = 0;  // free + dead beyond fillfactor
  double reclaimable_fraction = 0;     // of size, 0..1
  std::int64_t expected_bytes = 0;     // size after a rewrite
  std::int64_t reused_bytes =
      0;  // least free space in the recorded history: it fills again; 0 unknown
};

struct Table {
  Oid oid = 0;
  Oid parent = 0;  // partitioned parent, 0 = none
  std::string_view schema, name;
  std::string_view qualified;  // quoted as needed: ready for SQL
  Oid owner = 0;
  char kind = 'r';  // relkind: r table, p partitioned, m materialized view, t toast
  bool extension_owned = false;
  bool temporary = false;
  std::int32_t fillfactor = 100;
  std::int64_t size_bytes = 0;   // main fork
  std::int64_t total_bytes = 0;  // with indexes and toast
  std::int64_t toast_bytes = 0;
  std::int64_t pages = 0;  // real size now, in blocks
  double rows = 0;         // reltuples scaled to the pages of now; -1 never analysed
  std::int64_t live_rows = 0, dead_rows = 0;  // statistics collector's
  std::int64_t modified_since_analyze = 0;
  // Since the statistics reset, or since the database began: not to be divided by a time.
  std::int64_t inserted = 0, updated = 0, hot_updated = 0, deleted = 0;
  double row_versions_per_day =
      -1;  // inserted and updated outside of HOT, from differences; -1 not known
  std::int64_t seq_scans = 0, seq_rows_read = 0, index_scans = 0;
  double last_vacuum = 0, last_analyze = 0;  // manual or automatic, the later
  double created = 0;                        // first seen by this extension
  bool autovacuum_enabled = true;
  Bloat bloat;
  std::span<const Column> columns;  // in attnum order, dropped ones included
};

struct IndexKey {
  std::int16_t column = 0;      // attnum; 0 = expression
  std::string_view expression;  // deparsed, when column is 0
  Oid opclass = 0, opfamily = 0, collation = 0;
  std::int16_t option = 0;           // indoption: 1 = DESC, 2 = NULLS FIRST
  std::string_view opclass_options;  // attoptions of the index column, deparsed; empty = none
  bool equal_image = false;          // b-tree deduplication allowed by the opclass
  std::int16_t length = 0;           // attlen of the index column
  char align = 'i';                  // attalign of the index column
  bool constant_width = false;       // varlena whose sampled values all have one width
  double average_width = 0;          // bytes, from statistics of the column or the expression
  double null_fraction = 0;
  double distinct = 0;  // as in Column
};

struct Index {
  Oid oid = 0, table = 0;
  Oid parent = 0;  // partitioned index it is attached to
  std::string_view schema, name;
  std::string_view qualified;
  std::string_view definition;  // pg_get_indexdef
  std::string_view comment;
  std::string_view method;  // btree, gin, ...
  bool valid = true, ready = true, live = true;
  bool unique = false, primary = false, exclusion = false, immediate = true;
  bool nulls_not_distinct = false;
  bool replica_identity = false, clustered = false;
  bool backs_constraint =
      false;  // a pg_constraint row names it (own constraint or a foreign key's target)
  bool extension_owned = false;
  bool has_expression_statistics = false;
  bool being_built = false;  // pg_stat_progress_create_index names it, or a CIC holds its table
  char kind = 'i';           // i index, I partitioned index
  std::int32_t fillfactor = 90;
  bool deduplicate = true;
  std::int64_t size_bytes = 0, pages = 0;
  double entries = 0;  // reltuples
  double created = 0;  // first seen by this extension
  // Executor attribution: scans that plans of statements made. Not planner probes.
  std::int64_t executor_scans = 0, executor_rows = 0;
  std::int64_t constraint_checks = 0;  // foreign-key triggers' scans
  double last_use = 0;
  // On standbys, as they were imported: since when the one imported last is known, and the latest
  // use.
  double imported_since = 0, imported_last = 0;  // 0 = of none
  double imported_last_use = 0;                  // 0 = not since
  std::int64_t server_scans = 0;                 // pg_stat_all_indexes.idx_scan: probes included
  std::string_view predicate;                    // deparsed; empty = none
  Bloat bloat;
  std::span<const IndexKey> keys;          // key columns
  std::span<const std::int16_t> included;  // INCLUDE columns
};

// A foreign key whose child is `table`.
struct ForeignKey {
  Oid oid = 0, table = 0, referenced = 0;
  Oid referenced_index = 0;
  std::string_view name;
  std::span<const std::int16_t> columns;
};

// A statement as assist.statements shows it, of this database. Counts and times are since
// first_seen.
struct Statement {
  std::int64_t query_id = 0;
  Oid user = 0;
  std::string_view role;  // rolname
  bool top_level = true;
  std::string_view text;     // normalised
  std::string_view command;  // SELECT, INSERT ...
  std::int64_t calls = 0;
  double total_ms = 0, mean_ms = 0, p95_ms = 0;
  double rows = 0;
  std::int64_t temp_blocks_read = 0, temp_blocks_written = 0;
  std::int64_t wal_bytes = 0;
  double first_seen = 0, last_seen = 0;
};

// What one statement's node spilled, from sampled executions.
struct Spill {
  std::int64_t query_id = 0;
  Oid user = 0;
  std::string_view role;
  std::int64_t executions = 0;     // that spilled (estimated from the samples' weights)
  double temp_bytes_per_call = 0;  // written
  double needed_bytes = 0;  // work_mem that would hold it: sort x2, hash x batches; p90 over calls
  double ms_per_call = 0;
};

enum class PredicateUse : std::uint8_t { kFilter, kIndex, kJoin, kSort, kGroup };

// One column or expression compared, joined, sorted or grouped on by a statement's plan.
struct Predicate {
  std::int64_t query_id = 0, plan_id = 0;
  Oid user = 0;
  Oid relation = 0;
  PredicateUse use = PredicateUse::kFilter;
  std::span<const std::string_view> columns;      // plain column names; empty entry = an expression
  std::span<const std::string_view> expressions;  // parallel to columns: text of the left side
  std::span<const std::string_view> operators;    // parallel: =, <, ~~, @>, ASC, DESC ...
  double executions = 0;                          // weighted
  double rows_in = 0, rows_out = 0;               // per execution
  double selectivity = 0, estimated_selectivity = 0;
};

// A comparison in an observed statement that no index could serve as things are.
struct UnservedComparison {
  enum class Kind : std::uint8_t { kAnyOfColumn, kWildcard, kIgnoringCase, kRegex };
  Kind kind = Kind::kAnyOfColumn;
  Oid table = 0;               // as the statement names it
  std::string_view column;     // its name; empty = an expression
  std::string_view key;        // the column, or the expression, as SQL spells it
  std::string_view operation;  // as Predicate's
  std::int64_t query_id = 0;
  Oid user = 0;
  double scan_share = 0;  // of the statement's cost, what reading the table costs now
};

// A hypothetical index that the real planner used for at least one observed statement.
struct ProposedIndex {
  Oid table = 0;
  std::string_view definition;  // CREATE INDEX CONCURRENTLY ..., ready to run
  std::string_view name;        // its name as the definition spells it: quoted where needed
  std::string_view columns;  // key list as in the definition, for titles: customer_id, created_at
  std::int64_t predicted_bytes = 0;
  double predicted_build_ms = 0;
  // Share of the executions looked at that have the constants of its condition; below 0 = it has
  // none.
  double held = -1;
  struct Helped {
    std::int64_t query_id = 0;
    Oid user = 0;
    double calls_per_day = 0;
    double mean_ms = 0;
    double cost_before = 0, cost_after = 0;  // planner units
    double saved_ms_per_day = 0;
  };
  std::span<const Helped> helped;
  double write_ms_per_day = 0;  // what maintaining it costs
};

// An index that was recommended and built, and whose statements take as long as before.
struct IneffectiveIndex {
  Oid index = 0;
  std::int64_t recommendation = 0;
  double built = 0;    // moment
  int statements = 0;  // that were measured
  double predicted_ms_per_day = 0;
  double saved_ms_per_day = 0, low = 0, high = 0;  // measured, with its 95 % interval
};

// A setting that ALTER ROLE or ALTER DATABASE keeps (pg_db_role_setting) for this database.
struct ScopedSetting {
  std::string_view role;     // empty = all roles
  bool in_database = false;  // false: ALTER ROLE ... SET for every database
  std::string_view name;
  std::string_view value;
  double number = 0;  // as Setting::number
};

// One of pg_settings, as the server runs now: without what the reading session or role has set for
// itself.
struct Setting {
  std::string_view name;
  std::string_view value;    // SHOW's text
  double number = 0;         // in `unit`: bytes for memory, ms for time, else the bare number
  std::string_view context;  // postmaster, sighup, user ...
  std::string_view source;
};

// The server and this database as a whole.
struct Server {
  double now = 0;               // when the snapshot was taken
  double observed_since = 0;    // start of what capture knows without a gap
  double index_use_since = 0;   // from when on every use of an index is known; 0 never
  double statistics_since = 0;  // pg_stat_database.stats_reset or first observation
  std::int32_t version_number = 0;
  std::int64_t memory_bytes = 0;  // min(MemTotal, cgroup limit); 0 unknown
  std::int32_t cpus = 0;
  bool is_standby = false;
  bool has_standbys = false;  // pg_stat_replication has rows: usage there is not seen
  bool has_pgstattuple = false;
  double database_ms_per_day = 0;  // time of top-level statements of this database
  // Checkpoints and WAL over [wal_since, now].
  double wal_since = 0;
  std::int64_t checkpoints_timed = 0, checkpoints_requested = 0;
  std::int64_t checkpoints_by_wal = 0;  // requested ones that WAL volume explains
  std::int64_t wal_bytes = 0;
  double wal_bytes_per_second_p95 = 0;   // 0 = not enough history
  std::int64_t wal_disk_free_bytes = 0;  // 0 unknown
  double peak_active_backends = 0;       // p99 of active sessions; 0 unknown
  std::int32_t spilling_databases = 0;   // databases with statements that spill; 0 unknown
  std::string_view database;
};

class Snapshot {
 public:
  explicit Snapshot(std::pmr::memory_resource* upstream)
      : arena_(upstream),
        by_table_(&arena_),
        tables(&arena_),
        indexes(&arena_),
        foreign_keys(&arena_),
        statements(&arena_),
        spills(&arena_),
        predicates(&arena_),
        proposed_indexes(&arena_),
        unplanned(&arena_),
        unserved(&arena_),
        ineffective(&arena_),
        settings(&arena_),
        scoped_settings(&arena_) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // A copy of `text` that lives as long as the snapshot.
  std::string_view Intern(std::string_view text);
  // A copy of the list that lives as long as the snapshot. T must be trivially destructible.
  template <typename T>
  std::span<const T> Keep(std::span<const T> items) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (items.empty()) return {};
    T* copy = static_cast<T*>(arena_.allocate(items.size() * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < items.size(); ++i) new (copy + i) T(items[i]);
    return {copy, items.size()};
  }

  // Lookups; nullptr when absent. `tables` and `indexes` are sorted by oid (Seal).
  const Table* FindTable(Oid oid) const;
  const Index* FindIndex(Oid oid) const;
  const Setting* FindSetting(std::string_view name) const;
  // f(const Index&) for each index of a table, by oid.
  template <typename F>
  void ForEachIndexOf(Oid table, F&& f) const {
    for (std::size_t i = FirstIndexOf(table);
         i < by_table_.size() && indexes[by_table_[i]].table == table; ++i) {
      f(indexes[by_table_[i]]);
    }
  }
  // Sorts what lookups need; the builder calls it last, and again after it has added tables or
  // indexes.
  void Seal();

 private:
  std::size_t FirstIndexOf(Oid table) const;

  std::pmr::monotonic_buffer_resource arena_;
  std::pmr::vector<std::uint32_t> by_table_;  // positions in `indexes`, ordered by table and oid

 public:
  Server server;
  std::pmr::vector<Table> tables;
  std::pmr::vector<Index> indexes;
  std::pmr::vector<ForeignKey> foreign_keys;
  std::pmr::vector<Statement> statements;
  std::pmr::vector<Spill> spills;
  std::pmr::vector<Predicate> predicates;
  std::pmr::vector<ProposedIndex> proposed_indexes;
  // Ids of statements that could not be planned this time, as their tables were locked or time or
  // memory was short: that no index is proposed for them says nothing.
  std::pmr::vector<std::int64_t> unplanned;
  std::pmr::vector<UnservedComparison> unserved;  // found while indexes were proposed
  std::pmr::vector<IneffectiveIndex> ineffective;
  std::pmr::vector<Setting> settings;
  std::pmr::vector<ScopedSetting> scoped_settings;
};

}  // namespace assist

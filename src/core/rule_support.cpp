#include "core/rule_support.hpp"

#include <algorithm>
#include <cmath>

#include "core/text/text.hpp"

namespace assist::rules {
namespace {

bool SameColumnSet(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

bool IsForeignKeyTarget(const Snapshot& snapshot, const Index& index) {
  return std::any_of(snapshot.foreign_keys.begin(), snapshot.foreign_keys.end(),
                     [&](const ForeignKey& key) { return key.referenced_index == index.oid; });
}

// Whether `a` is to be kept rather than `b`. A strict order, so that of a group exactly one is
// kept.
bool KeepRather(const Snapshot& snapshot, const Index& a, const Index& b) {
  const bool a_own = a.primary || a.exclusion || a.backs_constraint;
  const bool b_own = b.primary || b.exclusion || b.backs_constraint;
  if (a.primary != b.primary) return a.primary;
  if (a_own != b_own) return a_own;
  const bool a_target = IsForeignKeyTarget(snapshot, a), b_target = IsForeignKeyTarget(snapshot, b);
  if (a_target != b_target) return a_target;
  if (a.replica_identity != b.replica_identity) return a.replica_identity;
  if (a.extension_owned != b.extension_owned) return a.extension_owned;
  if (a.unique != b.unique) return a.unique;
  if (IsLive(a) != IsLive(b)) return IsLive(a);
  if (a.clustered != b.clustered) return a.clustered;
  if (a.size_bytes != b.size_bytes) return a.size_bytes < b.size_bytes;
  return a.oid < b.oid;
}

}  // namespace

double DaysSince(const Snapshot& snapshot, double moment) {
  if (moment <= 0) return 0;
  return std::max(0.0, (snapshot.server.now - moment) / kSecondsPerDay);
}

bool IsServerSchema(std::string_view schema) {
  return schema == "pg_catalog" || schema == "information_schema" || schema == "assist" ||
         schema.substr(0, 8) == "pg_toast" || schema.substr(0, 7) == "pg_temp";
}

bool IsJudged(const Table& table) {
  return !table.temporary && !table.extension_owned && !IsServerSchema(table.schema) &&
         (table.kind == 'r' || table.kind == 'p' || table.kind == 'm');
}

bool IsDroppable(const Index& index) {
  return !index.primary && !index.unique && !index.exclusion && !index.backs_constraint &&
         !index.replica_identity && !index.clustered && !index.extension_owned && index.parent == 0;
}

bool SameKey(const IndexKey& a, const IndexKey& b) {
  return a.column == b.column && a.opclass == b.opclass && a.collation == b.collation &&
         a.option == b.option && a.opclass_options == b.opclass_options &&
         a.expression == b.expression;
}

bool SameShape(const Index& a, const Index& b) {
  return a.table == b.table && a.method == b.method && a.kind == b.kind &&
         a.predicate == b.predicate && a.exclusion == b.exclusion &&
         std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(), b.keys.end(), &SameKey) &&
         SameColumnSet(a.included, b.included);
}

bool GuaranteesAsMuch(const Index& keeper, const Index& other) {
  if (!other.unique) return true;
  return keeper.unique && keeper.immediate == other.immediate &&
         keeper.nulls_not_distinct == other.nulls_not_distinct;
}

double Confidence(double executions, double days) {
  return 0.35 + 0.35 * std::min(1.0, std::log10(1 + executions) / 3) +
         0.25 * std::min(1.0, days / 7);
}

bool IsLive(const Index& index) {
  return index.valid && index.ready && index.live && !index.being_built;
}

const Index* BetterTwin(const Snapshot& snapshot, const Index& index) {
  if (index.primary || index.exclusion || index.backs_constraint || index.replica_identity ||
      index.clustered || index.extension_owned || index.parent != 0) {
    return nullptr;
  }
  const Index* best = nullptr;
  snapshot.ForEachIndexOf(index.table, [&](const Index& other) {
    if (other.oid == index.oid || other.parent != 0 || !IsLive(other) || !SameShape(index, other) ||
        !GuaranteesAsMuch(other, index) || !KeepRather(snapshot, other, index)) {
      return;
    }
    if (best == nullptr || KeepRather(snapshot, other, *best)) best = &other;
  });
  return best;
}

bool IndexUseIsKnown(const Snapshot& snapshot) { return snapshot.server.index_use_since > 0; }

bool UsedWithin(const Snapshot& snapshot, const Index& index, double days) {
  if (index.imported_last_use > 0 && DaysSince(snapshot, index.imported_last_use) <= days)
    return true;
  // assist.reset() sets counts to zero, and leaves when the last was.
  if (index.last_use > 0) return DaysSince(snapshot, index.last_use) <= days;
  return index.executor_scans > 0 || index.constraint_checks > 0;
}

std::int64_t TotalBytes(const Snapshot& snapshot, const Index& index) {
  std::int64_t bytes = 0;
  ForEachLeaf(snapshot, index, [&](const Index& leaf) { bytes += leaf.size_bytes; });
  return bytes;
}

Traffic TrafficOf(const Snapshot& snapshot, const Table& table) {
  Traffic traffic;
  if (table.kind != 'p') {
    traffic.scans = static_cast<double>(table.seq_scans + table.index_scans);
    traffic.updates = static_cast<double>(table.updated);
    traffic.hot_updates = static_cast<double>(table.hot_updated);
    traffic.writes =
        static_cast<double>(table.inserted + table.deleted + table.updated - table.hot_updated);
    return traffic;
  }
  for (const Table& child : snapshot.tables) {
    if (child.parent != table.oid) continue;
    const Traffic part = TrafficOf(snapshot, child);
    traffic.scans += part.scans;
    traffic.writes += part.writes;
    traffic.updates += part.updates;
    traffic.hot_updates += part.hot_updates;
  }
  return traffic;
}

bool SupportsForeignKey(const Snapshot& snapshot, const Index& index) {
  for (const ForeignKey& key : snapshot.foreign_keys) {
    if (key.table != index.table || key.columns.empty() || key.columns.size() > index.keys.size())
      continue;
    const auto leading = index.keys.first(key.columns.size());
    const bool all = std::all_of(key.columns.begin(), key.columns.end(), [&](std::int16_t column) {
      return std::any_of(leading.begin(), leading.end(),
                         [&](const IndexKey& each) { return each.column == column; });
    });
    if (all) return true;
  }
  return false;
}

void AskToDrop(const Snapshot& snapshot, const Index& index, Finding& finding) {
  finding.storage_delta_bytes = -TotalBytes(snapshot, index);
  finding.action.kind = Action::Kind::kDropIndex;
  finding.action.relation = index.oid;
  finding.action.object = index.qualified;
  text::Append(finding.action.statement,
               index.kind == 'I' ? "DROP INDEX " : "DROP INDEX CONCURRENTLY ", index.qualified);
  text::Append(finding.sql, finding.action.statement, ";");
}

bool IsPlanned(std::string_view command) {
  constexpr std::string_view kPlanned[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"};
  return command.starts_with("SELECT FOR ") ||
         std::find(std::begin(kPlanned), std::end(kPlanned), command) != std::end(kPlanned);
}

std::string_view BehindUsing(std::string_view definition) {
  constexpr std::string_view kUsing = " USING ";
  const std::size_t at = definition.find(kUsing);
  return at == std::string_view::npos ? std::string_view() : definition.substr(at + kUsing.size());
}

std::string_view KeyList(std::string_view definition) {
  std::string_view rest = BehindUsing(definition);
  if (rest.empty()) rest = definition;
  const std::size_t open = rest.find('(');
  if (open == std::string_view::npos) return {};
  int depth = 0;
  char quote = 0;
  for (std::size_t i = open; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0) return rest.substr(open, i - open + 1);
  }
  return {};
}

std::size_t FirstItem(std::string_view list) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == ',' && depth == 0) return i;
  }
  return list.size();
}

void Identify(Finding& finding, std::string_view rule, std::string_view object) {
  finding.object = object;
  finding.fingerprint.clear();
  text::Append(finding.fingerprint, rule, ":", object);
}

double ShareOfTime(const Snapshot& snapshot, double ms_per_day) {
  const double all = snapshot.server.database_ms_per_day;
  return all > 0 ? std::min(1.0, ms_per_day / all) : 0;
}

}  // namespace assist::rules

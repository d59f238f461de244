// invalid_index: indexes that writes maintain and no plan may use, left by a failed concurrent
// build.
#include <algorithm>
#include <cctype>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "invalid_index";

constexpr Param kParams[] = {
    {.name = "partitioned_min_age",
     .unit = Unit::kDays,
     .fallback = 1,
     .min = 0,
     .max = 3650,
     .meaning =
         "days since an invalid index of a partitioned table was first seen: somebody may be "
         "attaching its partitions"},
};

// What REINDEX CONCURRENTLY calls its transient copies: name_ccnew, name_ccold, with a number
// behind.
bool IsLeftover(std::string_view name) {
  while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back())) != 0)
    name.remove_suffix(1);
  constexpr std::string_view kNew = "_ccnew", kOld = "_ccold";
  return name.size() > kNew.size() && (name.substr(name.size() - kNew.size()) == kNew ||
                                       name.substr(name.size() - kOld.size()) == kOld);
}

// The same index without a leftover's name; `valid` asks for one that the planner can use.
const Index* FindTwin(const Snapshot& snapshot, const Index& index, bool valid) {
  const Index* twin = nullptr;
  snapshot.ForEachIndexOf(index.table, [&](const Index& other) {
    if (other.oid == index.oid || IsLeftover(other.name) || !SameShape(index, other)) return;
    if (valid ? IsLive(other) && GuaranteesAsMuch(other, index) : other.unique == index.unique)
      twin = &other;
  });
  return twin;
}

void Describe(const Snapshot& snapshot, const Index& index, Finding& finding) {
  finding.Add("definition", index.definition);
  finding.Add("size_bytes", index.size_bytes);
  finding.Add("ready", index.ready);
  finding.Add("live", index.live);
  finding.Add("seen_days", DaysSince(snapshot, index.created));
}

Finding& Begin(const Index& index, Findings& out) {
  Finding& finding = out.Add(kId, index.unique ? Severity::kHigh : Severity::kMedium);
  Identify(finding, kId, index.qualified);
  if (!index.ready) {
    Append(finding.rationale, index.qualified,
           " is invalid: no plan uses it, and it is not maintained. ");
  } else {
    Append(finding.rationale, index.qualified,
           " is invalid: no plan uses it, but every write to its table maintains it. ");
  }
  finding.confidence = 0.95;
  return finding;
}

void Drop(const Snapshot& snapshot, const Index& index, const Index* twin, Findings& out) {
  Finding& finding = Begin(index, out);
  Append(finding.title, "Drop invalid index ", index.qualified);
  if (IsLeftover(index.name)) {
    Append(finding.rationale, "Its name says that an interrupted REINDEX CONCURRENTLY left it");
    if (twin != nullptr) Append(finding.rationale, "; the index itself is ", twin->qualified);
    Append(finding.rationale, ". ");
  } else if (!index.live) {
    Append(finding.rationale, "An interrupted DROP INDEX CONCURRENTLY left it. ");
  } else if (twin != nullptr) {
    Append(finding.rationale, twin->qualified, " is the same index and valid. ");
    finding.Add("duplicate_of", twin->qualified);
  }
  Append(finding.rationale, "Dropping it frees ",
         text::Bytes(static_cast<double>(index.size_bytes)), ".");
  finding.risk = "No plan changes. If somebody is building it at this moment, that build fails.";
  Describe(snapshot, index, finding);
  AskToDrop(snapshot, index, finding);
}

void Rebuild(const Snapshot& snapshot, const Index& index, Findings& out) {
  Finding& finding = Begin(index, out);
  Append(finding.title, "Rebuild invalid index ", index.qualified);
  Append(finding.rationale,
         "A failed or cancelled concurrent build left it so. No other index has its keys ",
         KeyList(index.definition), ".");
  if (index.unique) {
    Append(finding.rationale, " Until it is valid, rows that were there before may not be unique.");
    finding.risk = "The rebuild fails where rows share a key: remove the duplicates first. ";
  }
  Append(finding.risk,
         "Reads and writes continue while it is rebuilt; it takes its size on disk once more. "
         "If nobody misses it, dropping it is right as well.");
  Describe(snapshot, index, finding);
  finding.action.kind = Action::Kind::kReindex;
  finding.action.relation = index.oid;
  finding.action.object = index.qualified;
  Append(finding.action.statement, "REINDEX INDEX CONCURRENTLY ", index.qualified);
  Append(finding.sql, finding.action.statement, ";");
}

// The index of a partitioned table is valid once every partition's is attached and valid.
void Complete(const Snapshot& snapshot, const Index& index, const Table& table, double min_age,
              Findings& out) {
  if (min_age > 0 && DaysSince(snapshot, index.created) < min_age) return;
  std::int64_t partitions = 0, lacking = 0, invalid = 0;
  std::pmr::string names(out.memory());
  for (const Table& partition : snapshot.tables) {
    if (partition.parent != table.oid) continue;
    ++partitions;
    const Index* attached = nullptr;
    bool building = false;
    snapshot.ForEachIndexOf(partition.oid, [&](const Index& child) {
      if (child.parent == index.oid) attached = &child;
      building = building || child.being_built;
    });
    if (building) return;  // somebody is at it
    if (attached == nullptr) {
      ++lacking;
      if (lacking <= 5) Append(names, lacking == 1 ? "" : ", ", partition.qualified);
    } else if (!attached->valid) {
      ++invalid;
    }
  }
  // Invalid parts have findings of their own.
  if (partitions == 0 || invalid > 0) return;
  Finding& finding = out.Add(kId, index.unique ? Severity::kHigh : Severity::kMedium);
  Identify(finding, kId, index.qualified);
  finding.confidence = 0.9;
  if (lacking > 0) {
    Append(finding.title, "Complete index ", index.qualified, ": ", text::Integer(lacking), " of ",
           text::Integer(partitions), " partitions lack it");
    Append(finding.rationale, index.qualified, " of the partitioned table ", table.qualified,
           " is invalid, because these partitions have no index attached to it: ", names,
           lacking > 5 ? " and others" : "", ". New partitions get it; those do not have it.");
    finding.risk =
        "Each partition's index is built concurrently. Attaching it locks that partition's index "
        "for an instant, and an attached index cannot be detached.";
    finding.action.kind = Action::Kind::kCompleteIndex;
    finding.action.relation = index.oid;
    finding.action.object = index.qualified;
  } else {
    Append(finding.title, "Make index ", index.qualified,
           " anew: it stays invalid with all partitions attached");
    Append(finding.rationale, "All ", text::Integer(partitions), " partitions of ", table.qualified,
           " have a valid index attached, but ", index.qualified,
           " was not made valid when the last of them was repaired. The server looks at it again "
           "only when a "
           "partition's index is attached.");
    finding.risk =
        "Plans use the partitions' indexes already; only uniqueness and foreign keys ask for the "
        "whole to be valid.";
    finding.severity = Severity::kLow;
  }
  finding.Add("definition", index.definition);
  finding.Add("partitions", partitions);
  finding.Add("partitions_lacking_it", lacking);
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  for (const Index& index : snapshot.indexes) {
    if (index.valid && index.live) continue;
    if (index.being_built || index.extension_owned) continue;
    const Table* table = snapshot.FindTable(index.table);
    if (table == nullptr || !IsJudged(*table)) continue;
    if (index.kind == 'I') {
      // A sub-partitioned one is completed through the top.
      if (index.parent == 0) Complete(snapshot, index, *table, values["partitioned_min_age"], out);
      continue;
    }
    const bool free = !index.primary && !index.backs_constraint && !index.replica_identity &&
                      !index.exclusion && index.parent == 0;
    const bool leftover = IsLeftover(index.name);
    const Index* twin = FindTwin(snapshot, index, !leftover);
    if (free && (!index.live || twin != nullptr)) {
      Drop(snapshot, index, twin, out);
    } else if (index.live &&
               !index.exclusion) {  // REINDEX CONCURRENTLY does not do exclusion constraints
      Rebuild(snapshot, index, out);
    }
  }
}

}  // namespace

constinit const RuleDescriptor kInvalidIndex{
    .id = kId,
    .category = Category::kIndex,
    .severity = Severity::kMedium,
    .needs = Needs::kNothing,
    .title = "An index is invalid: it costs writes and serves no plan",
    .source = "PostgreSQL docs, sql-createindex, building indexes concurrently; sql-reindex",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules

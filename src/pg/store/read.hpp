// What the store knows, for views: the central store and the slots' gains added up, consistent per statement.
//
// The readers hold a partition's lock (shared) while they copy it, and allocate with malloc (std::string,
// std::vector), so that memory running out is std::bad_alloc with no lock held: locks are released first.
#pragma once

#include <string>
#include <vector>

#include "pg/store/store.hpp"

namespace assist::pg {

struct StatementRow {
  StatementKey key;
  Counters sums;
  uint64 latency[kLatencyBuckets];
  uint64 min_ns, max_ns;
  TimestampTz first_seen, last_seen;
  uint32 plan_count;
  bool has_text, cut;
  std::string text, command, search_path;
  std::string relations;  // lines "oid name"
};

struct PlanRow {
  StatementKey key;
  uint64 planid;
  uint64 calls, exec_ns, sampled;
  uint64 latency[kLatencyBuckets];
  double estimated_cost, misestimate;
  bool underestimated;
  TimestampTz first_seen, last_seen;
  std::string plan;       // EXPLAIN JSON, empty = none
};

struct PredicateRow {
  StatementKey key;
  PredicateEntry entry;
  std::string description;
};

struct ErrorRow {
  StatementKey key;
  ErrorEntry entry;
};

struct SampleRow {
  StatementKey key;
  uint64 planid;
  std::string block;      // see capture/deep.cpp
};

// May throw std::bad_alloc; never an ERROR. REQUIRES: store() != nullptr.
std::vector<StatementRow> ReadStatements(bool with_text);
std::vector<PlanRow> ReadPlans();
std::vector<PredicateRow> ReadPredicates();
std::vector<ErrorRow> ReadErrors();
std::vector<SampleRow> ReadSamples();
std::vector<IndexCounter> ReadIndexes();

}  // namespace assist::pg

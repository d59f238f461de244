// Finding: what a rule says, with its evidence and the change it asks for.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assist/snapshot.hpp"

namespace assist {

enum class Category : std::uint8_t {
  kIndex,
  kTable,
  kQuery,
  kConfiguration,
  kMaintenance,
  kSchema
};
enum class Severity : std::uint8_t { kInfo, kLow, kMedium, kHigh, kCritical };

std::string_view ToString(Category category);
std::string_view ToString(Severity severity);

// What a migration is generated from. `statement` is the forward SQL as one would write it by hand;
// src/core/migrate turns the action into safe steps and their inverse.
struct Action {
  enum class Kind : std::uint8_t {
    kNone,
    kCreateIndex,   // statement = CREATE INDEX CONCURRENTLY ...; object = qualified index name
    kDropIndex,     // object = qualified index name, relation = its oid
    kReindex,       // object = qualified index name, relation = its oid
    kVacuum,        // object = qualified table name
    kVacuumFull,    // object = qualified table name (rewrites, ACCESS EXCLUSIVE)
    kAnalyze,       // object = qualified table name
    kSetParameter,  // parameter, value; scope and object name where
    kCompleteIndex  // object = qualified invalid index of a partitioned table, relation = its oid:
                    // build and attach what its partitions lack
  };
  enum class Scope : std::uint8_t { kSystem, kDatabase, kRole, kRoleInDatabase };
  Kind kind = Kind::kNone;
  Scope scope = Scope::kSystem;
  Oid relation = 0;
  std::pmr::string object;
  std::pmr::string statement;
  std::pmr::string parameter;
  std::pmr::string value;
  std::pmr::string role;  // kRole, kRoleInDatabase: unquoted name
  explicit Action(std::pmr::memory_resource* memory)
      : object(memory), statement(memory), parameter(memory), value(memory), role(memory) {}
};

struct Evidence {
  std::string_view key;  // a literal: snake_case with its unit, e.g. size_bytes, mean_ms
  std::variant<bool, std::int64_t, double, std::pmr::string> value;
};

struct Finding {
  // Identity over re-evaluations: "<rule>:<object>" and, where one object can have several, a third
  // part.
  std::pmr::string fingerprint;
  std::string_view rule;  // RuleDescriptor::id
  Severity severity = Severity::kInfo;
  std::pmr::string object;     // qualified name, setting or query id
  std::pmr::string title;      // one line, no full stop
  std::pmr::string rationale;  // why, with the numbers; sentences
  std::pmr::string risk;       // what can go wrong when following it; sentences
  std::pmr::string sql;        // ready to run; empty = none
  double benefit_ms_per_day = 0;
  std::int64_t storage_delta_bytes = 0;  // negative = freed
  double confidence = 0;                 // 0..1
  std::pmr::vector<std::int64_t> query_ids;
  std::pmr::vector<Evidence> evidence;
  Action action;

  explicit Finding(std::pmr::memory_resource* memory)
      : fingerprint(memory),
        object(memory),
        title(memory),
        rationale(memory),
        risk(memory),
        sql(memory),
        query_ids(memory),
        evidence(memory),
        action(memory) {}
  std::pmr::memory_resource* memory() const { return title.get_allocator().resource(); }

  void Add(std::string_view key, std::string_view text) {
    evidence.push_back({key, std::pmr::string(text, memory())});
  }
  void Add(std::string_view key, double number) { evidence.push_back({key, number}); }
  void Add(std::string_view key, std::int64_t number) { evidence.push_back({key, number}); }
  void Add(std::string_view key, bool flag) { evidence.push_back({key, flag}); }
};

// Where a rule puts its findings, and where it says why it stays silent.
// A rule that could not judge: why, in a phrase without full stop ("observed for 3.2 of 35 days").
struct Silence {
  std::string_view rule;
  std::pmr::string reason;
};

class Findings {
 public:
  explicit Findings(std::pmr::memory_resource* memory)
      : memory_(memory), items_(memory), silences_(memory) {}
  std::pmr::memory_resource* memory() const { return memory_; }
  Finding& Add(std::string_view rule, Severity severity) {
    Finding& finding = items_.emplace_back(memory_);
    finding.rule = rule;
    finding.severity = severity;
    return finding;
  }
  void Silent(std::string_view rule, std::string_view reason) {
    silences_.push_back({rule, std::pmr::string(reason, memory_)});
  }
  const std::pmr::vector<Silence>& silences() const { return silences_; }
  std::pmr::vector<Finding>& items() { return items_; }
  const std::pmr::vector<Finding>& items() const { return items_; }

 private:
  std::pmr::memory_resource* memory_;
  std::pmr::vector<Finding> items_;
  std::pmr::vector<Silence> silences_;
};

}  // namespace assist

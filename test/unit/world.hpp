// A small database for the tests of rules: a snapshot with tables and indexes that are healthy
// until a test says otherwise.
#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "assist/rule.hpp"
#include "assist/snapshot.hpp"

namespace assist::test {

inline constexpr double kDay = 86400;
inline constexpr double kNow = 1.7e9;
inline constexpr std::int64_t kMiB = 1 << 20;
inline constexpr std::int64_t kGiB = 1LL << 30;
inline constexpr Oid kInt4Ops = 1978, kTextOps = 3126, kTextPatternOps = 10049;

class World {
 public:
  World() : snapshot(std::pmr::new_delete_resource()), out_(std::pmr::new_delete_resource()) {
    Server& server = snapshot.server;
    server.now = kNow;
    server.observed_since = server.index_use_since = kNow - 60 * kDay;
    server.statistics_since = kNow - 60 * kDay;
    server.wal_since = kNow - 60 * kDay;
    server.version_number = 150018;
    server.memory_bytes = 24 * kGiB;
    server.cpus = 8;
    server.database_ms_per_day = 1e6;
    server.peak_active_backends = 8;
    server.database = "shop";
  }

  // shop.orders(id, customer_id, status, note), 1,000,000 rows, 100 MB; oid 1000 unless given.
  Table& AddTable(Oid oid = 1000, std::string_view name = "orders") {
    static const Column kColumns[] = {
        {.number = 1,
         .name = "id",
         .length = 4,
         .align = 'i',
         .has_statistics = true,
         .average_width = 4,
         .distinct = -1},
        {.number = 2,
         .name = "customer_id",
         .length = 4,
         .align = 'i',
         .has_statistics = true,
         .average_width = 4,
         .distinct = 50000},
        {.number = 3,
         .name = "status",
         .length = -1,
         .align = 'i',
         .has_statistics = true,
         .average_width = 8,
         .distinct = 5},
        {.number = 4,
         .name = "note",
         .length = -1,
         .align = 'i',
         .has_statistics = true,
         .average_width = 40,
         .distinct = -0.9},
    };
    Table table;
    table.oid = oid;
    table.schema = "shop";
    table.name = name;
    table.qualified = Keep(std::string("shop.") + std::string(name));
    table.size_bytes = 100 * kMiB;
    table.total_bytes = 150 * kMiB;
    table.pages = table.size_bytes / 8192;
    table.rows = 1e6;
    table.live_rows = 1000000;
    table.inserted = 500000;
    table.updated = 100000;
    table.seq_scans = 1000;
    table.index_scans = 100000;
    table.last_vacuum = kNow - kDay;
    table.last_analyze = kNow - kDay;
    table.created = kNow - 60 * kDay;
    table.columns = kColumns;
    snapshot.tables.push_back(table);
    return snapshot.tables.back();
  }

  // A plain valid b-tree of 20 MB on columns of shop.orders that has never been scanned.
  Index& AddIndex(Oid oid, std::string_view name, std::initializer_list<std::int16_t> columns,
                  Oid table = 1000) {
    std::vector<IndexKey> keys;
    for (const std::int16_t column : columns) {
      keys.push_back({.column = column,
                      .opclass = kInt4Ops,
                      .opfamily = 1976,
                      .equal_image = true,
                      .length = 4,
                      .average_width = 4,
                      .distinct = 50000});
    }
    Index index;
    index.oid = oid;
    index.table = table;
    index.schema = "shop";
    index.name = name;
    index.qualified = Keep(std::string("shop.") + std::string(name));
    index.definition = Keep(std::string("CREATE INDEX ") + std::string(name) +
                            " ON shop.orders USING btree (" + Names(columns) + ")");
    index.method = "btree";
    index.size_bytes = 20 * kMiB;
    index.pages = index.size_bytes / 8192;
    index.entries = 1e6;
    index.created = kNow - 60 * kDay;
    index.keys = snapshot.Keep(std::span<const IndexKey>(keys));
    snapshot.indexes.push_back(index);
    return snapshot.indexes.back();
  }

  // The keys of an index, to change one.
  void SetKeys(Index& index, const std::vector<IndexKey>& keys) {
    index.keys = snapshot.Keep(std::span<const IndexKey>(keys));
  }

  std::string_view Keep(const std::string& text) { return snapshot.Intern(text); }

  Index& IndexAt(Oid oid) {
    return *std::find_if(snapshot.indexes.begin(), snapshot.indexes.end(),
                         [&](const Index& index) { return index.oid == oid; });
  }

  // What the rule finds, with its parameters' defaults but for those given.
  const std::pmr::vector<Finding>& Run(
      std::string_view rule,
      std::initializer_list<std::pair<std::string_view, double>> changed = {}) {
    snapshot.Seal();
    const RuleDescriptor* descriptor = FindRule(rule);
    EXPECT_NE(descriptor, nullptr) << rule;
    std::vector<double> values;
    for (const Param& param : descriptor->params) {
      double value = param.fallback;
      for (const auto& [name, wanted] : changed) {
        if (name == param.name) value = wanted;
      }
      values.push_back(value);
    }
    out_ = Findings(std::pmr::new_delete_resource());
    descriptor->evaluate(snapshot, ParamValues(descriptor->params, values), out_);
    return out_.items();
  }
  const std::pmr::vector<Silence>& silences() const { return out_.silences(); }

  Snapshot snapshot;

 private:
  static std::string Names(std::initializer_list<std::int16_t> columns) {
    static constexpr const char* kNames[] = {"", "id", "customer_id", "status", "note"};
    std::string names;
    for (const std::int16_t column : columns) {
      if (!names.empty()) names += ", ";
      names += kNames[column];
    }
    return names;
  }

  Findings out_;
};

inline bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace assist::test

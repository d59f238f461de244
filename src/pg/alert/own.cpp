// Targets of one's own: any metric of history, or of imported series, that assist.set_threshold()
// was given besides those that the library measures by itself.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "pg/alert/measure.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/history/slices.hpp"

extern "C" {
#include "miscadmin.h"  // for MyDatabaseId
}

namespace assist::pg {

namespace {

constexpr TimestampTz kUsual = 15 * USECS_PER_MINUTE;
constexpr double kMinCalls = 30;  // for a mean
constexpr Hysteresis kThree = {3, 3};

struct Target {
  std::string metric, scope;
  Threshold threshold;
  std::string Name() const { return scope.empty() ? metric : metric + ":" + scope; }
};

std::vector<Target> ReadTargets() {
  std::vector<Target> targets;
  Query(
      "SELECT metric, scope, coalesce(warning, 'NaN'), coalesce(critical, 'NaN') FROM "
      "assist.threshold WHERE warning IS NOT NULL OR critical IS NOT NULL ORDER BY 1, 2",
      [&](const Row& row) {
        if (assist::FindMetric(row.Text(0)) == nullptr)
          targets.push_back(
              {std::string(row.Text(0)), std::string(row.Text(1)), {row.Real(2), row.Real(3)}});
      });
  return targets;
}

// What a target is of.
struct Subject {
  std::optional<Metric> metric;  // none: imported alone
  std::vector<std::uint32_t> keys;
  AlertObject object;
};

void FindStatements(const Target& target, Subject& subject) {
  std::int64_t queryid = 0;
  const char* end = target.scope.data() + target.scope.size();
  const auto [at, error] = std::from_chars(target.scope.data(), end, queryid);
  if (error != std::errc() || at != end) return;
  const Arg args[] = {Arg::Int8(queryid)};
  Query("SELECT id FROM assist.history_statement WHERE queryid = $1", args, [&](const Row& row) {
    subject.keys.push_back(static_cast<std::uint32_t>(row.Integer(0)));
  });
  if (subject.keys.empty()) return;
  subject.metric = MetricOf(HistoryKind::kStatement, target.metric);
  if (subject.keys.size() == 1) subject.object.statement = subject.keys[0];
}

void FindRelation(const Target& target, Subject& subject) {
  const Arg args[] = {Arg::Object(MyDatabaseId), Arg::Text(target.scope)};
  Query(
      "SELECT id, kind, relid FROM assist.history_relation WHERE dbid = $1 AND format('%I.%I', "
      "schema_name, name) = $2 ORDER BY last_seen DESC LIMIT 1",
      args, [&](const Row& row) {
        subject.keys = {static_cast<std::uint32_t>(row.Integer(0))};
        subject.metric = MetricOf(static_cast<HistoryKind>(row.Integer(1)), target.metric);
        subject.object.relation = row.Object(2);
        subject.object.relation_name = target.scope;
      });
}

Subject SubjectOf(const Target& target) {
  Subject subject;
  if (target.scope.empty()) {
    subject.object = ThisDatabase();
    subject.metric = MetricOf(HistoryKind::kDatabase, target.metric);
    subject.keys = {1};
    return subject;
  }
  subject.object = {.name = target.scope, .key = target.scope, .relation_name = {}};
  if (MetricOf(HistoryKind::kStatement, target.metric).has_value()) FindStatements(target, subject);
  if (!subject.metric.has_value()) FindRelation(target, subject);
  return subject;
}

// The columns of a metric in blocks of its kind.
class Columns {
 public:
  explicit Columns(const Subject& subject) : subject_(subject) {
    const Metric& metric = *subject.metric;
    for (const std::string_view column : metric.columns)
      if (!column.empty()) columns_.push_back(ColumnOf(metric.kind, column));
    if (!metric.per.empty()) per_ = ColumnOf(metric.kind, metric.per);
    adds_ = ColumnsOf(metric.kind)[columns_[0]].adds;
  }

  struct Part {
    bool found = false;
    double value = 0, per = 0;
  };
  Part Of(const HistoryBlock& block) const {
    Part part;
    for (const std::uint32_t key : subject_.keys) {
      const auto at = std::lower_bound(block.keys.begin(), block.keys.end(), key);
      if (at == block.keys.end() || *at != key) continue;
      part.found = true;
      const auto row = static_cast<std::size_t>(at - block.keys.begin());
      for (const std::size_t column : columns_)
        part.value += static_cast<double>(block.values[column][row]);
      if (per_.has_value()) part.per += static_cast<double>(block.values[*per_][row]);
    }
    if (subject_.metric->zero_is_unknown && part.value == 0) part.found = false;
    return part;
  }
  Adds adds() const { return adds_; }
  bool is_mean() const { return per_.has_value(); }

 private:
  const Subject& subject_;
  std::vector<std::size_t> columns_;
  std::optional<std::size_t> per_;
  Adds adds_;
};

struct Measured {
  double value = kOff;
  double seconds = 0;
  TimestampTz until = 0;  // of what was imported; 0 = recorded
};

// A relation to which nothing has happened is as it was: the last level within a day.
double LastLevel(const Subject& subject, const Columns& columns, TimestampTz now) {
  double level = kOff;
  TimestampTz latest = 0;
  ForEachFinestBlock(subject.metric->kind, now - USECS_PER_DAY, now,
                     [&](const BlockTimes& times, const HistoryBlock& block) {
                       const Columns::Part part = columns.Of(block);
                       if (!part.found || times.until < latest) return;
                       latest = times.until;
                       level = part.value;
                     });
  return level;
}

// Since it was judged last; else of a quarter of an hour, or for a mean as far back as it takes.
Measured Recorded(const Subject& subject, TimestampTz judged, TimestampTz now) {
  const Columns columns(subject);
  Measured measured;
  double sum = 0, per = 0, level = kOff;
  ForEachRecentBlock(
      subject.metric->kind, now, [&](const BlockTimes& times, const HistoryBlock& block) {
        const bool enough = measured.seconds > 0 && (!columns.is_mean() || per >= kMinCalls);
        if (judged != 0 ? times.start < judged : times.until <= now - kUsual && enough) return;
        const Columns::Part part = columns.Of(block);
        // The row of the database is missing where its counters were not known.
        if (!part.found && block.kind == HistoryKind::kDatabase) return;
        measured.seconds += times.observed_s;
        sum += part.value;
        per += part.per;
        if (part.found &&
            (std::isnan(level) || (columns.adds() == Adds::kLargest && part.value > level)))
          level = part.value;  // the latest come first
      });
  if (measured.seconds <= 0) return measured;
  const double scale = subject.metric->scale;
  if (columns.is_mean()) {
    if (per >= kMinCalls) measured.value = sum * scale / per;
  } else if (columns.adds() == Adds::kSum) {
    measured.value = sum * scale * 3600 / measured.seconds;
  } else {
    if (std::isnan(level) && subject.metric->kind != HistoryKind::kDatabase)
      level = LastLevel(subject, columns, now);
    measured.value = level * scale;
  }
  return measured;
}

// The last value of a day.
Measured Imported(const Target& target, TimestampTz judged, TimestampTz now) {
  Measured measured;
  const Arg args[] = {Arg::Text(target.metric), Arg::Text(target.scope), Arg::Moment(now),
                      Arg::Moment(std::max<TimestampTz>(judged, now - USECS_PER_DAY))};
  Query(
      "SELECT value, at FROM assist.history_imported WHERE metric = $1 AND object = $2 AND at <= "
      "$3 AND at > $4 ORDER BY at DESC LIMIT 1",
      args, [&](const Row& row) {
        measured.value = row.Real(0);
        measured.until = row.Integer(1);
      });
  return measured;
}

std::string_view UnitOf(std::string_view metric) {
  if (metric.ends_with("_time")) return "ms";
  return metric.ends_with("bytes") ? "bytes" : "";
}

void Judge(AlertBook& book, const Target& target, TimestampTz recorded, TimestampTz now) {
  const std::string_view unit = UnitOf(target.metric);
  const MetricDescriptor metric = {
      .name = target.metric,
      .unit = unit,
      .better =
          target.threshold.critical < target.threshold.warning ? Better::kMore : Better::kLower,
      .of = target.scope.empty() ? assist::MetricOf::kDatabase : assist::MetricOf::kRelation,
      .pace = Pace::kMinutes,
      .warning = kOff,
      .critical = kOff,
      .hysteresis = kThree,
      .anomaly = false,
      .meaning = {}};
  const Subject subject = SubjectOf(target);
  book.Keep(metric, subject.object.key);
  const TimestampTz judged = book.JudgedUntil(metric, subject.object.key);
  Measured measured;
  if (subject.metric.has_value()) measured = Recorded(subject, judged, now);
  if (std::isnan(measured.value)) measured = Imported(target, judged, now);
  if (std::isnan(measured.value))
    return book.SetState(target.Name(), "waits: nothing was recorded lately");
  char value[40];
  std::snprintf(value, sizeof value, ": %.6g", measured.value);
  std::string title = target.metric;
  if (!target.scope.empty()) title.append(" of ").append(target.scope);
  title += value;
  if (!unit.empty()) title.append(" ").append(unit);
  book.SetRecorded(measured.until != 0 ? measured.until : recorded);
  book.Judge(
      metric, subject.object, measured.value,
      {.title = title,
       .what_to_do = "A target that assist.set_threshold() set. How it was before: "
                     "assist.baselines, the views of history and assist.markers.",
       .sql = {},
       .evidence = NumbersJson({{"value", measured.value}, {"observed_s", measured.seconds}})});
  book.SetState(target.Name(), "evaluated");
}

}  // namespace

void MeasureOwnTargets(AlertBook& book, TimestampTz recorded, TimestampTz relations_recorded,
                       TimestampTz now) {
  for (const Target& target : ReadTargets()) {
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
    const bool of_relation =
        !target.scope.empty() && !MetricOf(HistoryKind::kStatement, target.metric).has_value();
    Judge(book, target, of_relation ? relations_recorded : recorded, now);
  }
}

}  // namespace assist::pg

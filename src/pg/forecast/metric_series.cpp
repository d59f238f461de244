// Series out of blocks of history.

#include "pg/forecast/metric_series.hpp"

#include <algorithm>
#include <cmath>

#include "assist/steps.hpp"
#include "pg/history/slices.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// The columns of a source in its blocks, and what they add up to.
class Reading {
 public:
  Reading(const MetricSource& source, std::int64_t first, std::size_t count, std::int64_t step_us,
          std::pmr::memory_resource* memory)
      : source_(source),
        values_(first, count, step_us, AddsOf(*source.metric), memory),
        per_(first, count, step_us, Adds::kSum, memory) {
    for (const std::string_view column : source.metric->columns)
      if (!column.empty()) columns_.push_back(ColumnOf(source.metric->kind, column));
    if (!source.metric->per.empty())
      per_column_ = ColumnOf(source.metric->kind, source.metric->per);
  }

  void Take(const HistoryBlock& block, std::int64_t from, std::int64_t until, double observed_s) {
    double value = 0, per = 0;
    bool found = false;
    for (const std::uint32_t key : source_.keys) {
      const auto at = std::lower_bound(block.keys.begin(), block.keys.end(), key);
      if (at == block.keys.end() || *at != key) continue;
      found = true;
      const auto row = static_cast<std::size_t>(at - block.keys.begin());
      for (const std::size_t column : columns_)
        value += static_cast<double>(block.values[column][row]);
      if (per_column_.has_value()) per += static_cast<double>(block.values[*per_column_][row]);
    }
    // The row of the database is missing where its counters were not known: after a crash.
    if (block.kind == HistoryKind::kDatabase && !found) return;
    if (found && source_.metric->zero_is_unknown && value == 0) return;
    if (found) {
      values_.Add(from, until, observed_s, value * source_.metric->scale);
      per_.Add(from, until, observed_s, per);
    } else {
      values_.AddNothing(from, until, observed_s);
      per_.AddNothing(from, until, observed_s);
    }
  }

  double At(std::size_t step, double least_seen) const {
    const double value = values_.At(step, least_seen);
    if (!per_column_.has_value()) return value;
    const double per = per_.At(step, least_seen);
    return per > 0 ? value / per : kUnknown;
  }

 private:
  static Adds AddsOf(const Metric& metric) {
    return ColumnsOf(metric.kind)[ColumnOf(metric.kind, metric.columns[0])].adds;
  }

  const MetricSource& source_;
  std::vector<std::size_t> columns_;
  std::optional<std::size_t> per_column_;
  StepCollector values_, per_;
};

bool IsRecorded(const MetricSource& source) {
  return source.metric.has_value() && !source.keys.empty();
}

// Of an hour their mean, of a day the last.
void AddImported(const MetricSource& source, std::int64_t first, std::int64_t step_us,
                 TimestampTz since, const pg_tz* zone, std::vector<double>& values) {
  std::vector<double> sums(values.size(), 0), counts(values.size(), 0);
  const Arg args[] = {Arg::Text(source.name), Arg::Text(source.object), Arg::Moment(since)};
  Query(
      "SELECT at, value FROM assist.history_imported WHERE metric = $1 AND object = $2 AND at >= "
      "$3 ORDER BY at",
      args, [&](const Row& row) {
        const TimestampTz at = row.Integer(0);
        const std::int64_t step = Guarded([&] { return on_clock(at, zone); }) / step_us - first;
        if (step < 0 || step >= static_cast<std::int64_t>(values.size())) return;
        const auto i = static_cast<std::size_t>(step);
        sums[i] = step_us == kDayUs ? row.Real(1) : sums[i] + row.Real(1);
        counts[i] = step_us == kDayUs ? 1 : counts[i] + 1;
      });
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i]) && counts[i] > 0) values[i] = sums[i] / counts[i];
}

}  // namespace

std::int64_t on_clock(TimestampTz at, const pg_tz* zone) {
  constexpr std::int64_t kFrom1970 = 946684800 * USECS_PER_SEC;
  if (zone == nullptr) return at + kFrom1970;
  struct pg_tm tm;
  fsec_t fsec;
  int west = 0;
  if (timestamp2tm(at, &west, &tm, &fsec, nullptr, const_cast<pg_tz*>(zone)) != 0) west = 0;
  return at - west * USECS_PER_SEC + kFrom1970;
}

std::vector<MetricSeries> ReadMetrics(std::span<const MetricSource> sources, MetricStep step,
                                      int count, TimestampTz now, const pg_tz* zone,
                                      double least_seen) {
  const std::int64_t step_us = step == MetricStep::kHour ? kHourUs : kDayUs;
  const std::int64_t first = Guarded([&] { return on_clock(now, zone); }) / step_us - count;
  const TimestampTz since = now - (count + 1) * step_us;
  const std::size_t steps = static_cast<std::size_t>(count) + 1;
  const ScopedContext context("assist metric series");
  ContextResource memory(context.get());
  std::vector<Reading> readings;
  std::vector<std::size_t> of(sources.size(), sources.size());
  HistoryKind kind = HistoryKind::kDatabase;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!IsRecorded(sources[i])) continue;
    of[i] = readings.size();
    kind = sources[i].metric->kind;
    readings.emplace_back(sources[i], first, steps, step_us, &memory);
  }
  const Arg args[] = {Arg::Int4(static_cast<int>(kind)), Arg::Moment(since)};
  if (!readings.empty())
    Query(
        "SELECT start, until, observed, data FROM assist._history_finest WHERE kind = $1 AND until "
        "> $2 ORDER BY start",
        args, [&](const Row& row) {
          const ScopedContext scratch("assist history block");
          ContextResource block_memory(scratch.get());
          const auto block = DecodeHistory(row.Text(3), &block_memory);
          if (!block.has_value() || block->kind != kind) return;
          const TimestampTz start = row.Integer(0);
          const std::int64_t from = Guarded([&] {
            CHECK_FOR_INTERRUPTS();
            return on_clock(start, zone);
          });
          for (Reading& reading : readings)
            reading.Take(*block, from, from + row.Integer(1) - start, row.Real(2));
        });
  std::vector<MetricSeries> all;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::vector<double> values(steps, kUnknown);
    if (of[i] < readings.size())
      for (std::size_t s = 0; s < steps; ++s)
        values[s] = readings[of[i]].At(s, s + 1 == steps ? least_seen : kSeenOfStep);
    if (sources[i].imported) AddImported(sources[i], first, step_us, since, zone, values);
    const auto begin =
        std::find_if_not(values.begin(), values.end() - 1, [](double v) { return std::isnan(v); });
    MetricSeries& series = all.emplace_back();
    series.start = static_cast<std::int32_t>(first + (begin - values.begin()));
    series.current = values.back();
    series.values.assign(begin, values.end() - 1);
  }
  return all;
}

}  // namespace assist::pg

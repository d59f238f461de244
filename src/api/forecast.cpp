// assist.forecast(), assist.forecast_quality(), assist.best_windows(): what comes, and when it is
// quiet.

#include <algorithm>
#include <cmath>

#include "assist/forecast.hpp"
#include "assist/series.hpp"
#include "core/series/median.hpp"
#include "pg/memory.hpp"
#include "pg/forecast/metric_series.hpp"
#include "pg/own_sql.hpp"
#include "pg/row_sink.hpp"

extern "C" {
#include "utils/date.h"
#include "utils/timestamp.h"
}

namespace {

using namespace assist;
using namespace assist::pg;

constexpr int kMostHorizon = 2015, kLeastHistory = 70 * 24;  // hours
constexpr int kWindowHours = 8 * 7 * 24;

// Hours, rounded up; a month has 30 days.
int HoursOf(const Interval& interval, int most, const char* message, const char* hint) {
  const double days = interval.month * 30.0 + interval.day;
  const double hours = std::ceil(days * 24 + static_cast<double>(interval.time) / kHourUs);
  if (!(hours >= 1) || hours > most)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, message, hint);
  return static_cast<int>(hours);
}

std::string TextArg(FunctionCallInfo fcinfo, int n) {
  return Guarded([&] { return TextDatumGetCString(PG_GETARG_DATUM(n)); });
}

struct Forecasted {
  Forecast forecast;
  int measured = 0;
  TimestampTz first;  // moment at which the present hour began
  const pg_tz* zone;
};

Forecasted MakeForecast(FunctionCallInfo fcinfo, int& horizon, std::pmr::memory_resource* memory) {
  horizon = HoursOf(*PG_GETARG_INTERVAL_P(2), kMostHorizon, "a horizon is from 1 hour to 83 days",
                    "Give an interval, as '7 days'.");
  const std::string name = TextArg(fcinfo, 0);
  const std::string object = PG_ARGISNULL(1) ? std::string() : TextArg(fcinfo, 1);
  const MetricSource source[] = {
      FindMetric(name, PG_ARGISNULL(1) ? std::nullopt : std::optional<std::string_view>(object))};
  const TimestampTz now = GetCurrentTimestamp();
  const pg_tz* zone = session_timezone;
  MetricSeries series;
  {
    const OwnerScope scope;
    series = ReadMetrics(source, MetricStep::kHour, std::max(kLeastHistory, 4 * horizon), now, zone)
                 .front();
  }
  const auto measured = std::count_if(series.values.begin(), series.values.end(),
                                      [](double v) { return !std::isnan(v); });
  ForecastSettings settings;
  settings.non_negative =
      std::none_of(series.values.begin(), series.values.end(), [](double v) { return v < 0; });
  Forecasted out{Forecast{.hours = std::pmr::vector<ForecastHour>(memory)},
                 static_cast<int>(measured),
                 now - Guarded([&] { return on_clock(now, zone); }) % kHourUs, zone};
  // As many as the clock counts: one more where it is set forward.
  const std::int64_t ahead =
      Guarded([&] { return on_clock(out.first + (horizon - 1) * kHourUs, zone); }) / kHourUs -
      Guarded([&] { return on_clock(out.first, zone); }) / kHourUs + 1;
  out.forecast =
      ForecastSeries({series.start, series.values}, static_cast<int>(ahead), settings, memory);
  return out;
}

void notice(const char* what, const char* reason) {
  ereport(NOTICE, (errmsg("no %s: %s", what, reason)));
}

void number(RowSink& sink, double value) { std::isnan(value) ? sink.null() : sink.float8(value); }

void emit_forecast(FunctionCallInfo fcinfo, const Forecasted& made, int horizon) {
  RowSink sink(fcinfo);
  for (int i = 0; i < horizon && !made.forecast.hours.empty(); ++i) {
    const TimestampTz at = made.first + i * kHourUs;
    const std::int64_t hour = on_clock(at, made.zone) / kHourUs - made.forecast.first;
    if (hour < 0 || hour >= static_cast<std::int64_t>(made.forecast.hours.size())) continue;
    const ForecastHour& comes = made.forecast.hours[static_cast<std::size_t>(hour)];
    sink.datum(TimestampTzGetDatum(at));
    for (const double value : {comes.mean, comes.low80, comes.high80, comes.low95, comes.high95})
      sink.float8(value);
    const std::string_view method = NameOf(made.forecast.method);
    sink.text(method.data(), method.size());
    sink.end_row();
  }
  sink.finish();
}

void emit_quality(FunctionCallInfo fcinfo, const Forecasted& made, const std::string& reason) {
  const Forecast& forecast = made.forecast;
  RowSink sink(fcinfo);
  const std::string_view method = NameOf(forecast.method);
  std::isnan(forecast.mase) ? sink.null() : sink.text(method.data(), method.size());
  number(sink, forecast.mase);
  number(sink, forecast.coverage80);
  number(sink, forecast.coverage95);
  sink.int4(made.measured);
  sink.int4(forecast.hours_held_back);
  reason.empty() ? sink.null() : sink.text(reason.c_str());
  sink.end_row();
  sink.finish();
}

bool any_null(FunctionCallInfo fcinfo, std::initializer_list<int> args) {
  return std::any_of(args.begin(), args.end(), [&](int n) { return PG_ARGISNULL(n); });
}

void emit_nothing(FunctionCallInfo fcinfo) { RowSink(fcinfo).finish(); }

// ---- quiet hours

constexpr const char* kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                 "Friday", "Saturday", "Sunday"};
constexpr int kMonday = 96;  // hour of 1970-01-05 00:00

double MeanOf(const std::vector<double>& values) {
  double sum = 0, n = 0;
  for (const double v : values)
    if (!std::isnan(v)) {
      sum += v;
      ++n;
    }
  return n > 0 ? sum / n : 0;
}

// Hours from `first` to the end of both; what is beyond a series is unknown.
std::vector<double> Aligned(const MetricSeries& series, std::int32_t first) {
  std::vector<double> values(static_cast<std::size_t>(series.start - first),
                             std::numeric_limits<double>::quiet_NaN());
  values.insert(values.end(), series.values.begin(), series.values.end());
  return values;
}

// The median over the weeks (days) of the mean per hour of a window; NaN = never measured.
double Usually(const std::vector<double>& values, std::int32_t start, const QuietWindow& window) {
  const int period = window.day < 0 ? 24 : kHoursPerWeek;
  const int slot = std::max(window.day, 0) * 24 + window.start_hour;
  const std::size_t hours = static_cast<std::size_t>(window.minutes / 60);
  std::vector<double> means;
  for (std::size_t i = 0; i + hours <= values.size(); ++i) {
    const std::int32_t of =
        ((start + static_cast<std::int32_t>(i) - kMonday) % period + period) % period;
    if (of != slot) continue;
    double sum = 0;
    for (std::size_t n = i; n < i + hours; ++n) sum += values[n];
    if (!std::isnan(sum)) means.push_back(sum / static_cast<double>(hours));
  }
  return means.empty() ? std::numeric_limits<double>::quiet_NaN() : MedianOf(std::span(means));
}

struct Quiet {
  QuietWindows found;
  std::vector<double> exec_ms, wal_bytes;
  std::int32_t start = 0;
};

Quiet FindQuiet(int hours, int count, std::pmr::memory_resource* memory) {
  const MetricSource sources[] = {FindMetric("total_exec_time", std::nullopt),
                                  FindMetric("wal_bytes", std::nullopt)};
  const pg_tz* zone = session_timezone;
  const TimestampTz now = GetCurrentTimestamp();
  std::vector<MetricSeries> series;
  {
    const OwnerScope scope;
    series = ReadMetrics(sources, MetricStep::kHour, kWindowHours, now, zone);
  }
  Quiet quiet;
  quiet.start = std::min(series[0].start, series[1].start);
  quiet.exec_ms = Aligned(series[0], quiet.start);
  quiet.wal_bytes = Aligned(series[1], quiet.start);
  // Time of statements and writing count the same, each in units of its mean.
  const double ms = MeanOf(quiet.exec_ms), bytes = MeanOf(quiet.wal_bytes);
  std::vector<double> load(quiet.exec_ms.size());
  for (std::size_t i = 0; i < load.size(); ++i) {
    load[i] = (ms > 0 ? quiet.exec_ms[i] / ms : 0) + (bytes > 0 ? quiet.wal_bytes[i] / bytes : 0);
  }
  const HourSeries given{quiet.start, load};
  quiet.found = BestWindows(given, WindowProfile::kWeekly, hours, count, memory);
  if (quiet.found.silence == WindowSilence::kTooShort)
    quiet.found = BestWindows(given, WindowProfile::kDaily, hours, count, memory);
  return quiet;
}

void emit_windows(FunctionCallInfo fcinfo, const Quiet& quiet) {
  RowSink sink(fcinfo);
  for (const QuietWindow& window : quiet.found.windows) {
    const int until = window.start_hour + window.minutes / 60;
    sink.text(window.day < 0 ? "every day" : kDays[window.day]);
    sink.datum(TimeADTGetDatum(window.start_hour * kHourUs));
    sink.datum(TimeADTGetDatum(until % 24 * kHourUs));
    number(sink, Usually(quiet.exec_ms, quiet.start, window));
    number(sink, Usually(quiet.wal_bytes, quiet.start, window));
    sink.float8(window.share_of_peak);
    sink.float8(window.spread);
    sink.int4(window.times_seen);
    sink.int4(window.times_quiet);
    sink.end_row();
  }
  sink.finish();
}

}  // namespace

ASSIST_SQL_FUNCTION(assist_forecast) {
  if (any_null(fcinfo, {0, 2})) {
    Guarded([&] { emit_nothing(fcinfo); });
    return Datum{0};
  }
  const ScopedContext context("assist forecast");
  ContextResource memory(context.get());
  int horizon = 0;
  const Forecasted made = MakeForecast(fcinfo, horizon, &memory);
  const std::string reason = Reason(made.forecast);
  Guarded([&] {
    if (!reason.empty()) notice("forecast", reason.c_str());
    emit_forecast(fcinfo, made, horizon);
  });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_forecast_quality) {
  if (any_null(fcinfo, {0, 2})) {
    Guarded([&] { emit_nothing(fcinfo); });
    return Datum{0};
  }
  const ScopedContext context("assist forecast");
  ContextResource memory(context.get());
  int horizon = 0;
  const Forecasted made = MakeForecast(fcinfo, horizon, &memory);
  const std::string reason = Reason(made.forecast);
  Guarded([&] { emit_quality(fcinfo, made, reason); });
  return Datum{0};
}

ASSIST_SQL_FUNCTION(assist_best_windows) {
  if (any_null(fcinfo, {0, 1})) {
    Guarded([&] { emit_nothing(fcinfo); });
    return Datum{0};
  }
  const int hours = HoursOf(*PG_GETARG_INTERVAL_P(0), 24, "a window is from 1 minute to 24 hours",
                            "Give an interval, as '1 hour'.");
  const int32 count = PG_GETARG_INT32(1);
  if (count < 1 || count > 168)
    throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "count is from 1 to 168",
                      "Give the number of windows.");
  const ScopedContext context("assist windows");
  ContextResource memory(context.get());
  const Quiet quiet = FindQuiet(hours, count, &memory);
  const std::string reason = Reason(quiet.found);
  Guarded([&] {
    if (!reason.empty()) notice("quiet hours", reason.c_str());
    emit_windows(fcinfo, quiet);
  });
  return Datum{0};
}

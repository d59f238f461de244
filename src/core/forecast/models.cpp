// The last value, the same hour of other days and weeks, and trends with seasons.

#include "core/forecast/models.hpp"

#include <algorithm>

#include "core/series/median.hpp"

namespace assist::forecast {

namespace {

using Method = ForecastMethod;

constexpr std::size_t kDay = 24, kWeek = 168;
constexpr double kClip = 3;  // times the scatter, that an hour counts for at most

}  // namespace

Models::Models(std::span<const double> values, std::int32_t start, bool non_negative,
               std::pmr::memory_resource* memory)
    : values_(values),
      start_(start),
      non_negative_(non_negative),
      positive_(true),
      memory_(memory),
      last_(memory),
      logarithms_(memory),
      work_(memory),
      same_day_(memory),
      same_week_(memory),
      trends_{Trend(1, false, memory), Trend(kDay, false, memory), Trend(kWeek, false, memory),
              Trend(kWeek, true, memory)} {
  last_.reserve(values.size());
  for (const double value : values) {
    last_.push_back(std::isnan(value) ? last_.back() : value);
    positive_ = positive_ && !(value <= 0);
  }
  if (!positive_) return;
  logarithms_.reserve(values.size());
  for (const double value : values) logarithms_.push_back(std::log(value));
}

void Models::Fit(std::size_t fit, int horizon, bool choose) {
  for (std::size_t m = 0; m < kForecastMethods; ++m)
    Fit(static_cast<Method>(m), fit, horizon, choose);
}

void Models::Fit(Method method, std::size_t fit, int horizon, bool choose) {
  bool& can = can_[static_cast<std::size_t>(method)];
  switch (method) {
    case Method::kNaive:
      can = true;
      break;
    case Method::kSameHourOfDay:
      can = fit >= 2 * kDay;
      if (can) FitSame(same_day_, fit, kDay, 5, 8);
      break;
    case Method::kSameHourOfWeek:
      can = fit >= kWeek;
      if (can) FitSame(same_week_, fit, kWeek, 4, 6);
      break;
    case Method::kTrend:
    case Method::kTrendDay:
    case Method::kTrendWeek:
    case Method::kTrendWeekRatio: {
      Trend& trend = TrendOf(method);
      can = fit >= 2 * static_cast<std::size_t>(trend.period) && (!trend.ratio || positive_);
      if (can) FitTrend(trend, fit, horizon, choose);
      break;
    }
  }
}

void Models::FitSame(std::pmr::vector<double>& table, std::size_t fit, std::size_t period,
                     std::size_t most, std::size_t farthest) {
  table.assign(values_.size() + period, NAN);
  std::array<double, 8> few;
  for (std::size_t t = fit; t < table.size(); ++t) {
    std::size_t n = 0;
    for (std::size_t k = 1; k <= farthest && n < most && t >= k * period; ++k) {
      const std::size_t at = t - k * period;
      if (at < values_.size() && !std::isnan(values_[at])) few[n++] = values_[at];
    }
    if (n > 0) table[t] = MedianOf(std::span(few.data(), n));
  }
}

void Models::FitTrend(Trend& trend, std::size_t fit, int horizon, bool choose) {
  const std::span<const double> values =
      trend.ratio ? std::span<const double>(logarithms_) : values_;
  trend.parts.FitLevel(values.first(fit));
  trend.parts.FitSeason(values.first(fit), start_, trend.period);
  trend.parts.Repeat(start_, values.size() + static_cast<std::size_t>(horizon), trend.season);
  const double scatter = trend.parts.Scatter(values.first(fit), trend.season);
  const double clip = scatter > 0 ? kClip * scatter : HUGE_VAL;
  work_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) work_[i] = values[i] - trend.season[i];
  if (choose)
    trend.holt.Choose(std::span<const double>(work_).first(fit), clip, trend.parts.slope(),
                      horizon);
  trend.holt.Run(work_, fit, clip, trend.parts.slope());
  trend.holt.Prepare(horizon, memory_);
}

double Models::Ahead(Method method, std::size_t origin, int lead) const {
  const std::size_t at = origin + static_cast<std::size_t>(lead);
  const auto same = [&](const std::pmr::vector<double>& table, std::size_t period) {
    const std::size_t known = at - (static_cast<std::size_t>(lead) - 1) / period * period;
    return std::isnan(table[known]) ? last_[origin] : table[known];
  };
  switch (method) {
    case Method::kNaive:
      break;
    case Method::kSameHourOfDay:
      return same(same_day_, kDay);
    case Method::kSameHourOfWeek:
      return same(same_week_, kWeek);
    case Method::kTrend:
    case Method::kTrendDay:
    case Method::kTrendWeek:
    case Method::kTrendWeekRatio: {
      const Trend& trend = TrendOf(method);
      const double value = trend.holt.Ahead(trend.holt.After(origin), lead) + trend.season[at];
      if (trend.ratio) return std::exp(value);
      return non_negative_ ? std::max(value, 0.0) : value;
    }
  }
  return last_[origin];
}

}  // namespace assist::forecast

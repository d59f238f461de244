// Level and season by medians, so that spikes, gaps and steps do not bend them.

#include "core/forecast/season.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/series/median.hpp"

namespace assist::forecast {

namespace {

constexpr std::size_t kDay = 24, kDaysOfLevel = 7;
constexpr std::size_t kEnoughOfDay = 6;        // measured hours for the median of a day
constexpr std::size_t kWeeks = 8, kDays = 21;  // of a season, the latest

double Interpolate(std::span<const double> days, std::size_t hour) {
  const double at = (static_cast<double>(hour) - (kDay - 1) / 2.0) / kDay;  // in days' middles
  const double last = static_cast<double>(days.size() - 1);
  const double in = std::clamp(at, 0.0, last);
  const auto left = static_cast<std::size_t>(in);
  const std::size_t right = std::min(left + 1, days.size() - 1);
  return days[left] + (in - static_cast<double>(left)) * (days[right] - days[left]);
}

}  // namespace

void Decomposition::FitLevel(std::span<const double> values) {
  const std::size_t count = (values.size() + kDay - 1) / kDay;
  const auto median = [this] { return MedianOf(std::span(scratch_)); };
  days_.assign(count, NAN);
  // Days are counted from the end, so that the last one is whole.
  const std::size_t offset = count * kDay - values.size();
  for (std::size_t d = 0; d < count; ++d) {
    scratch_.clear();
    for (std::size_t h = d * kDay; h < (d + 1) * kDay; ++h)
      if (h >= offset && !std::isnan(values[h - offset])) scratch_.push_back(values[h - offset]);
    if (scratch_.size() >= kEnoughOfDay) days_[d] = median();
  }
  // Of seven days, whole weeks only; what has none takes that of the nearest.
  level_.assign(count, NAN);
  const std::size_t half = kDaysOfLevel / 2;
  const bool weeks = count >= kDaysOfLevel;
  for (std::size_t d = 0; d < count; ++d) {
    if (weeks && (d < half || d + half >= count)) continue;
    scratch_.clear();
    for (std::size_t n = weeks ? d - half : 0; n < (weeks ? d + half + 1 : count); ++n)
      if (!std::isnan(days_[n])) scratch_.push_back(days_[n]);
    if (scratch_.size() >= (weeks ? half + 1 : 1)) level_[d] = median();
  }
  scratch_.clear();
  for (std::size_t d = kDaysOfLevel; d < count; ++d)
    if (!std::isnan(level_[d]) && !std::isnan(level_[d - kDaysOfLevel]))
      scratch_.push_back(level_[d] - level_[d - kDaysOfLevel]);
  const double daily = median() / static_cast<double>(kDaysOfLevel);
  slope_ = daily / static_cast<double>(kDay);
  const auto known =
      std::find_if(level_.begin(), level_.end(), [](double v) { return !std::isnan(v); });
  if (known == level_.end()) {  // hours here and there
    scratch_.clear();
    for (const double value : values)
      if (!std::isnan(value)) scratch_.push_back(value);
    std::fill(level_.begin(), level_.end(), median());
  } else {
    for (auto at = known; at != level_.begin(); --at) *(at - 1) = *at - daily;
    for (auto at = known + 1; at != level_.end(); ++at)
      if (std::isnan(*at)) *at = *(at - 1) + daily;
  }
  // From days to hours.
  days_.swap(level_);
  level_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) level_[i] = Interpolate(days_, i + offset);
}

void Decomposition::FitSeason(std::span<const double> values, std::int32_t start, int period) {
  season_.assign(static_cast<std::size_t>(period), 0);
  if (period == 1) return;
  const auto step = static_cast<std::size_t>(period);
  const std::size_t most = step == kDay ? kDays : kWeeks;
  std::array<double, std::max(kWeeks, kDays)> few;
  for (std::size_t slot = 0; slot < step; ++slot) {
    const auto last = values.size() - 1;
    // The last hour that falls on this slot.
    const std::size_t of_last = (static_cast<std::size_t>(start) + last) % step;
    const std::size_t back = (of_last + step - slot) % step;
    std::size_t n = 0;
    for (std::size_t i = last + 1; i > back && n < most;) {
      const std::size_t at = i - 1 - back;
      if (!std::isnan(values[at])) few[n++] = values[at] - level_[at];
      if (i <= step) break;
      i -= step;
    }
    season_[slot] = MedianOf(std::span(few.data(), n));
  }
}

void Decomposition::Repeat(std::int32_t start, std::size_t hours,
                           std::pmr::vector<double>& out) const {
  out.resize(hours);
  auto slot = static_cast<std::size_t>(start) % season_.size();
  for (double& value : out) {
    value = season_[slot];
    if (++slot == season_.size()) slot = 0;
  }
}

double Decomposition::Scatter(std::span<const double> values, std::span<const double> season) {
  scratch_.clear();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i])) scratch_.push_back(std::abs(values[i] - level_[i] - season[i]));
  const double median = MedianOf(std::span(scratch_));
  if (median > 0) return 1.4826 * median;
  double sum = 0;  // most are where they should be exactly
  for (const double distance : scratch_) sum += distance;
  return scratch_.empty() ? 0 : sum / static_cast<double>(scratch_.size());
}

}  // namespace assist::forecast

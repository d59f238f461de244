// What comes: the load of the next hours, when a resource is used up, and which hours are quiet.
//
// Each of the three says nothing rather than guess: `silence` is why, and Reason() is that as a
// sentence. Hours are counted since 1970-01-01 00:00 on the caller's clock, UTC or local; hours of
// the day and of the week are those of that clock (local ones are what people's load follows).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assist {

// One value per hour without holes; NaN (an infinity, or beyond 1e150) = not measured.
struct HourSeries {
  std::int32_t start;  // hour of the first value
  std::span<const double> values;
};

// ---- The next hours -----------------------------------------------------------------------------

enum class ForecastMethod : std::uint8_t {
  kNaive,           // the last value
  kSameHourOfDay,   // median of the same hour on the last five days
  kSameHourOfWeek,  // median of the same hour in the last four weeks
  kTrend,           // damped trend
  kTrendDay,        // damped trend, and the season of the day
  kTrendWeek,       // damped trend, and the season of the week
  kTrendWeekRatio,  // the same as factors: what grows swings more
};
inline constexpr std::size_t kForecastMethods = 7;
std::string_view NameOf(ForecastMethod method);

struct ForecastSettings {
  bool non_negative = false;  // calls, bytes, times: nothing below 0 is forecast
  double least_gain = 0.05;   // by which the error must be below that of the last value
};

struct ForecastHour {
  double mean;           // expected
  double low80, high80;  // with a probability of 80 % between these
  double low95, high95;
};

enum class ForecastSilence : std::uint8_t {
  kNone,
  kTooShort,           // too few hours between the first and the last measurement
  kTooFewMeasured,     // less than half of them were measured
  kStale,              // the last measurement is more than a day old
  kNoBetterThanNaive,  // the last value is as good
};

struct Forecast {
  std::int32_t first = 0;                          // hour of hours[0], the one after the series
  std::pmr::vector<ForecastHour> hours;            // one per hour; empty when silent
  ForecastMethod method = ForecastMethod::kNaive;  // the best; NaN in mase = none was tried
  // Mean absolute error on the held-back hours over that of the last value on the same hours;
  // below 1 = better. 0 for a series that never changes.
  double mase = std::numeric_limits<double>::quiet_NaN();
  std::array<double, kForecastMethods> mases{};  // of every method; NaN = could not be tried
  // Share of held-back hours inside bands made from the other half of them. The bands given are
  // made from both, and widened when these shares are below what they ought to be.
  double coverage80 = std::numeric_limits<double>::quiet_NaN();
  double coverage95 = std::numeric_limits<double>::quiet_NaN();
  int hours_held_back = 0;
  ForecastSilence silence = ForecastSilence::kNone;
  int hours_there = 0, hours_needed = 0;  // span, or measured ones for kTooFewMeasured
};

// REQUIRES: 1 <= horizon <= 2016, start >= 0. Looks at the last ten weeks, or four times the
// horizon.
//
// The last third is held back: methods are fitted before it and forecast it from many moments in
// it, as far as the horizon. The one with the smallest mean absolute error is taken, if it is below
// that of the last value by least_gain, and in each quarter of what
// was held back; of two horizons or more, one but the last may be worse.
//
// Season: median over the weeks (days) of the distance from a level, itself the median of seven
// daily medians. Trend: Holt with damping (Gardner & McKenzie 1985), innovations clipped (Gelper,
// Fried & Croux 2010) and the autocorrelation of what remains (Taylor 2003). Bands: quantiles of
// held-back errors per lead and hour of the day, never narrower farther ahead.
Forecast ForecastSeries(const HourSeries& series, int horizon, const ForecastSettings& settings,
                        std::pmr::memory_resource* memory);
std::string Reason(const Forecast& forecast);  // empty unless silent

// ---- Days to a limit ----------------------------------------------------------------------------

enum class LimitSilence : std::uint8_t {
  kNone,
  kTooShort,         // fewer measured days than needed
  kStale,            // not measured in the last days
  kNoTrend,          // growth cannot be told from none
  kFalling,          // it goes away from the limit
  kStopped,          // it grew, but not lately
  kResetBelowLimit,  // it grows, and falls back each time well before the limit
  kFar,              // more than ten years at this rate
};

enum class LevelKind : std::uint8_t {
  kFills,  // a disk, a sequence
  kSaw,    // maintenance sets it back: the age of the oldest transaction
};

struct DaysToLimit {
  double days = std::numeric_limits<double>::quiet_NaN();   // NaN when silent; 0 = reached
  double low = std::numeric_limits<double>::quiet_NaN();    // with 80 % probability between these;
  double high = std::numeric_limits<double>::quiet_NaN();   // infinite = perhaps never
  double level = std::numeric_limits<double>::quiet_NaN();  // now, without spikes
  double per_day = std::numeric_limits<double>::quiet_NaN();
  LimitSilence silence = LimitSilence::kNone;
  int days_there = 0, days_needed = 0;  // measured
  int jumps = 0;                        // one-off ones, taken out of the trend
  int resets = 0;                       // falls of a sawtooth
  double highest_peak = std::numeric_limits<double>::quiet_NaN();  // before a reset
};

// One level per day without holes, NaN = not measured; upwards to `limit` (negate both for what
// runs down). Looks at the last 16 weeks; needs 14 days.
//
// Rates are Theil-Sen slopes over the last 2, 4, 8 and 16 weeks with the season of the week taken
// out. A trend is one by Kendall's test at 1 %, its variance raised for autocorrelation. Days that
// stick out are left out; one or two jumps are taken out (three or more are how it grows). What
// fell back twice, or once where that is its kind, is judged by how high it got before, and by its
// present rise only when it is higher than ever; what fills and fell back once may do so again
// (`high` is infinite).
DaysToLimit DaysUntil(std::span<const double> levels, double limit, LevelKind kind,
                      std::pmr::memory_resource* memory);
std::string Reason(const DaysToLimit& days);  // empty unless silent

// ---- Quiet hours --------------------------------------------------------------------------------

enum class WindowProfile : std::uint8_t { kDaily, kWeekly };

struct QuietWindow {
  int day;         // 0 = Monday ... 6 = Sunday; -1 = every day
  int start_hour;  // 0..23; a window may go past midnight
  int minutes;
  double load;           // expected: median over the observed weeks (days) of its mean load
  double high_load;      // nine of ten times at most
  double share_of_peak;  // load / that of the busiest window of the same length
  double spread;         // (high_load - load) / that of the busiest window: 0 = always as quiet
  int times_seen;        // complete in so many weeks (days)
  int times_quiet;       // in so many of them it was below half of that period's busiest window
};

enum class WindowSilence : std::uint8_t {
  kNone,
  kTooShort,  // fewer than 2 weeks for the profile of the week, or 3 days for that of the day
  kNoQuiet,   // it is as busy at all hours
};

struct QuietWindows {
  std::pmr::vector<QuietWindow> windows;  // the quietest first; none overlap
  WindowSilence silence = WindowSilence::kNone;
  int periods_there = 0, periods_needed = 0;  // weeks, or days
};

// REQUIRES: 1 <= hours <= 24, count >= 0. Looks at the last eight weeks. Ordered by high_load: what
// is quiet most weeks and busy in one of four is not quiet. Hours that were not measured count
// neither way.
QuietWindows BestWindows(const HourSeries& load, WindowProfile profile, int hours, int count,
                         std::pmr::memory_resource* memory);
std::string Reason(const QuietWindows& windows);  // empty unless silent

}  // namespace assist

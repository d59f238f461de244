// Why nothing is said, as sentences.

#include <cmath>

#include "assist/forecast.hpp"

namespace assist {

namespace {

std::string Of(int there, int needed, const char* what) {
  return std::to_string(there) + " of the " + std::to_string(needed) + ' ' + what;
}

// Two digits after the point, without the locale.
std::string Hundredths(double value) {
  const long long n = std::llround(value * 100);
  const std::string digits = std::to_string(n % 100);
  return std::to_string(n / 100) + (digits.size() < 2 ? ".0" : ".") + digits;
}

}  // namespace

std::string Reason(const Forecast& forecast) {
  const int there = forecast.hours_there, needed = forecast.hours_needed;
  switch (forecast.silence) {
    case ForecastSilence::kNone:
      break;
    case ForecastSilence::kTooShort:
      return "the history is too short: " + Of(there, needed, "hours that are needed");
    case ForecastSilence::kTooFewMeasured:
      return "too little was measured: " + Of(there, needed, "hours that are needed");
    case ForecastSilence::kStale:
      return "nothing was measured in the last " + std::to_string(there) + " hours";
    case ForecastSilence::kNoBetterThanNaive:
      return std::string("no method was better than the last value") +
             (forecast.method == ForecastMethod::kNaive
                  ? ""
                  : "; the best, " + std::string(NameOf(forecast.method)) + ", had an error of " +
                        Hundredths(forecast.mase) + " times that") +
             ", over " + std::to_string(forecast.hours_held_back) + " hours held back";
  }
  return {};
}

std::string Reason(const DaysToLimit& days) {
  switch (days.silence) {
    case LimitSilence::kNone:
      break;
    case LimitSilence::kTooShort:
      return "the history is too short: " +
             Of(days.days_there, days.days_needed, "days that are needed");
    case LimitSilence::kStale:
      return "nothing was measured in the last " + std::to_string(days.days_there) + " days";
    case LimitSilence::kNoTrend:
      return "no growth that could be told from none";
    case LimitSilence::kFalling:
      return "it is falling";
    case LimitSilence::kStopped:
      return "it has not grown lately";
    case LimitSilence::kResetBelowLimit:
      return "it fell back " + std::to_string(days.resets) +
             " times, each time from below the limit";
    case LimitSilence::kFar:
      return "more than ten years at the present rate";
  }
  return {};
}

std::string Reason(const QuietWindows& windows) {
  switch (windows.silence) {
    case WindowSilence::kNone:
      break;
    case WindowSilence::kTooShort:
      return "the history is too short: " +
             Of(windows.periods_there, windows.periods_needed,
                windows.periods_needed == 2 ? "weeks that are needed" : "days that are needed");
    case WindowSilence::kNoQuiet:
      return "it is about as busy at all hours, or not reliably quiet at any";
  }
  return {};
}

}  // namespace assist

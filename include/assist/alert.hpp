// Alerts: what is measured against targets, when that is an incident, and when it is over.
//
// Nothing here knows a clock or a server: a measurement comes in with enough volume behind it, or
// not at all, and each is judged once.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace assist {

inline constexpr double kOff = std::numeric_limits<double>::quiet_NaN();

// ---- What is measured ---------------------------------------------------------------------------

// Higher: of per cent, more is better. More: of a quantity.
enum class Better : std::uint8_t { kLower, kHigher, kMore };
enum class MetricOf : std::uint8_t { kDatabase, kStatement, kRelation };
enum class Pace : std::uint8_t { kMinutes, kHour, kDay };

// How many measurements in a row open an alert, and how many good ones end it.
struct Hysteresis {
  int to_open, to_resolve;
};

struct MetricDescriptor {
  std::string_view name;  // kept in tables: never changed
  std::string_view unit;
  Better better;
  MetricOf of;
  Pace pace;
  double warning, critical;  // kOff = none
  Hysteresis hysteresis;
  bool anomaly;              // a departure from what was, not a target
  std::string_view meaning;  // with the gates
};

std::span<const MetricDescriptor> AllMetrics();
const MetricDescriptor* FindMetric(std::string_view name);  // nullptr: there is none
std::string_view ToString(MetricOf of);

// ---- Judging ------------------------------------------------------------------------------------

struct Threshold {
  double warning = kOff, critical = kOff;
  bool IsOff() const { return warning != warning && critical != critical; }
};

// In this order. Near: not beyond, but not better by a margin either, so that what stays around a
// threshold does not come and go.
enum class Level : std::uint8_t { kGood, kNear, kWarning, kNearCritical, kCritical };

// The margin is a tenth of the threshold, or for per cent of which more is better (kHigher) a tenth
// of what it leaves. Beyond is above, or below; what reaches a threshold is not beyond it.
Level LevelOf(double value, const Threshold& threshold, Better better);

enum class AlertStatus : std::uint8_t { kNone, kPending, kOpen, kResolved };
enum class AlertChange : std::uint8_t {
  kNone,
  kForgotten,  // what was pending was none
  kOpened,
  kRaised,   // from warning to critical
  kLowered,  // from critical to warning
  kResolved
};

struct AlertState {
  AlertStatus status = AlertStatus::kNone;
  bool critical = false;
  // In a row: beyond warning, beyond critical, good, and below critical by a margin.
  int breaches = 0, criticals = 0, goods = 0, calm = 0;
  int times_opened = 0;
};

// Takes in one measurement. Opens at the severity that all of the measurements reached; what was
// resolved and opened again before takes longer to be resolved: twice as many good ones the second
// time, four times at most.
AlertChange Advance(AlertState& state, Level level, const Hysteresis& hysteresis);

// ---- Statements ---------------------------------------------------------------------------------

enum class StatementShape : std::uint8_t { kOther, kSingleRow, kList };

// Single row: SELECT, INSERT, UPDATE, DELETE or MERGE of at most 1.05 rows a call. List: SELECT of
// more, with LIMIT or FETCH FIRST, or of at most 1000. Neither: what aggregates or groups (its rows
// say nothing of its work), what waits or administrates (pg_... functions), what reads the
// extension's own schema. `text` is normalised.
StatementShape ShapeOf(std::string_view command, std::string_view text, double rows_per_call);

// ---- Tables -------------------------------------------------------------------------------------

struct TableTraffic {
  std::uint32_t id = 0;
  double rows = 0;       // read and written
  double live_rows = 0;  // small ones are never core
  double seq_scans = 0;  // by statements
};

inline constexpr double kSmallTable = 10000;  // rows
inline constexpr std::size_t kMostCoreTables = 50;

// Those that carry 80 % of the traffic of all that are not small, the busiest first.
std::pmr::vector<TableTraffic> CoreTables(std::span<const TableTraffic> tables,
                                          std::pmr::memory_resource* memory);

// ---- The unusual -------------------------------------------------------------------------------

// What a database did in some time.
struct Load {
  double calls = 0, errors = 0, temp_bytes = 0, seconds = 0;
  double connections = 0;  // the most
  void Add(const Load& other);
};

enum class LoadKind : std::uint8_t { kErrors, kConnections, kTemp };
inline constexpr std::size_t kLoadKinds = 3;

// The share of statements that fail, connections, bytes of temporary files an hour.
double LoadOf(LoadKind kind, const Load& load);

// The hours around this time of an earlier day, interval by interval: what a report of ten minutes
// writes is not spread over them.
class UsualDay {
 public:
  void Add(const Load& interval);
  double seconds() const { return sum_.seconds; }
  double Most(LoadKind kind) const;

 private:
  Load sum_;
  std::array<double, kLoadKinds> most_{};  // of intervals with enough in them to tell
};

inline constexpr std::size_t kUsualDaysNeeded = 3;

// How many times as much as there ever was on the days before; from little to some is nothing, and
// what is little is 0 times, however unusual. NaN = learning.
double TimesUsual(LoadKind kind, const Load& now, std::span<const UsualDay> days);

// ---- Growth -------------------------------------------------------------------------------------

struct MonthGrowth {
  double pct = std::numeric_limits<double>::quiet_NaN();  // NaN = learning
  double before = 0, now = 0;                             // bytes: medians of three days
  int days_there = 0;
};

inline constexpr std::size_t kMonthDays = 33;  // 30 between the middles of both ends
inline constexpr int kMonthDaysNeeded = 24;

// Of one level per day, the oldest first, NaN = not measured. The growth between the medians of
// three days at both ends, as far as the trend (Theil-Sen) or the median of the last week bears it
// out: what was there for three days does not count.
// REQUIRES: kMonthDays levels.
MonthGrowth GrowthOfMonth(std::span<const double> levels, std::pmr::memory_resource* memory);

}  // namespace assist

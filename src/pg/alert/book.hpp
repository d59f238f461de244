// assist.alert: what is known of each incident, and what a measurement makes of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assist/alert.hpp"
#include "pg/guard.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

// What is said of an alert. Texts may be empty.
struct AlertText {
  std::string title, what_to_do, sql;
  std::string evidence = "{}";  // JSON
};

// What it is about.
struct AlertObject {
  std::string name;             // shown; for a metric of statements or tables the scope too
  std::string key;              // identifies it within its metric
  std::uint32_t statement = 0;  // in history_statement
  Oid relation = 0;
  std::string relation_name;
};

// {"calls": 30, "mean_ms": 61.2}: names are literals of this library.
std::string NumbersJson(std::initializer_list<std::pair<std::string_view, double>> numbers);

class AlertBook {
 public:
  // Reads thresholds and incidents. REQUIRES: OwnerScope. Throws PgError, as all of it.
  explicit AlertBook(TimestampTz now);

  // Of an object, or else of all.
  Threshold ThresholdOf(const MetricDescriptor& metric, std::string_view scope) const;
  // False when no object has one: nothing is to be measured.
  bool IsWanted(const MetricDescriptor& metric) const;
  // Until when an object's measurements were judged; 0 = nothing is known of it.
  TimestampTz JudgedUntil(const MetricDescriptor& metric, std::string_view key) const;
  // Whether there is an alert of it now.
  bool IsOpen(const MetricDescriptor& metric, std::string_view key) const;
  // The level it would be judged at, so that texts are made only where they are needed.
  bool IsKnownOrBeyond(const MetricDescriptor& metric, const AlertObject& object,
                       double value) const;

  // Measurements are of what was recorded until then: it is not judged again. `now` otherwise.
  void SetRecorded(TimestampTz until) { recorded_ = until; }
  // A measurement.
  void Judge(const MetricDescriptor& metric, const AlertObject& object, double value,
             const AlertText& text);

  // A finding of others.
  struct Finding {
    std::string_view source, metric;
    Level level;
    double value = kOff;
    std::string_view unit;
    TimestampTz since;
    Hysteresis hysteresis;
  };
  void Tell(const Finding& finding, const AlertObject& object, const AlertText& text);
  // Those of a source that were not told of are as good.
  void EndOfSource(std::string_view source, const Hysteresis& hysteresis);

  // What a metric waits for, or "evaluated"; of a target of one's own, metric or metric:scope.
  void SetState(const MetricDescriptor& metric, std::string_view state) {
    SetState(metric.name, state);
  }
  void SetState(std::string_view name, std::string_view state);
  // A metric that is none of AllMetrics() has a threshold for this object.
  void Keep(const MetricDescriptor& metric, std::string_view key);

  // What nobody has measured for long, or has no threshold any more; what is too old; whose mute is
  // over. Then tells of all that has changed.
  void Close();

 private:
  struct Known {
    std::int64_t id = 0;
    std::string fingerprint, source, metric;
    std::string object;
    AlertState state;
    bool acknowledged = false, muted = false, told = false, kept = false;
    TimestampTz judged_until = 0, last_seen = 0, resolved_at = 0;
  };
  struct News {
    std::int64_t id;
    std::string severity, kind, status;
  };
  struct Judged {
    std::string_view source, metric, unit;
    Level level;
    double value;
    Threshold threshold;
    TimestampTz since;
    Hysteresis hysteresis;
  };
  void Take(const Judged& judged, const AlertObject& object, const AlertText& text);
  void Save(Known& known, AlertChange change);
  void Resolve(Known& known);
  bool IsTooMany(std::string_view metric);
  Known* Find(std::string_view source, std::string_view metric, std::string_view key);
  const Known* Find(std::string_view source, std::string_view metric, std::string_view key) const;

  TimestampTz now_, recorded_;
  std::map<std::string, Threshold, std::less<>> thresholds_;  // metric, or metric:scope
  std::map<std::string, Known, std::less<>> known_;           // by fingerprint
  std::map<std::string, int, std::less<>> open_;              // and pending, of each metric
  std::vector<News> news_;
};

}  // namespace assist::pg

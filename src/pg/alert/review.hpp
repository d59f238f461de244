// What users decide about alerts: thresholds, core tables, who takes care.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "assist/alert.hpp"
#include "pg/guard.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

// Each returns a row of a view as a Datum, and throws PgError and AssistError.

// 22023 for values that contradict each other or the metric; nullptr = one of history, which may be
// watched either way.
void CheckThreshold(const Threshold& to, const MetricDescriptor* metric);
// `scope`: a query id or a qualified name, empty = all.
Datum SetThreshold(std::string_view metric, std::string_view scope, const Threshold& to,
                   std::string_view role);
// What is valid then, if anything. *found: whether there was a threshold to take back.
std::optional<Datum> ResetThreshold(std::string_view metric, std::string_view scope, bool* found);

enum class Pin : std::uint8_t { kByTraffic, kCore, kNotCore };
// Whether it is core now. `relation_name` is qualified.
bool PinCoreTable(std::string_view relation_name, Pin pin);

// P0002 for an id that is not there, or not the caller's to see; 42501; 55000 for one that is
// resolved.
Datum AcknowledgeAlert(std::int64_t id, std::string_view comment);
// `until`: 0 = no longer.
Datum MuteAlert(std::int64_t id, TimestampTz until);

}  // namespace assist::pg

// The review of a recommendation: who may change its state, from which state to which.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/guard.hpp"

namespace assist::pg {

enum class Review { kApprove, kDismiss, kPostpone, kReopen, kMarkImplemented };

// Changes the state of one recommendation, logs it, and returns the row as a Datum of type
// assist.all_recommendations. `until` (kPostpone) is a TimestampTz.
// Throws: P0002 unknown to this role, 42501 neither owner of the object nor of the database, 55000
// not from its present state, 22023 a moment that is not in the future.
Datum ReviewRecommendation(std::int64_t id, Review review, std::string_view reason,
                           std::int64_t until);

// All states a recommendation can have, and all categories and severities, for argument checks.
bool IsStatus(std::string_view text);
bool IsCategory(std::string_view text);
bool IsSeverity(std::string_view text);
inline constexpr const char* kStatusHint =
    "Statuses: open, approved, scheduled, running, implemented, verified, reverted, failed, "
    "dismissed, "
    "postponed, obsolete.";
inline constexpr const char* kCategoryHint =
    "Categories: index, table, query, configuration, maintenance, schema.";
inline constexpr const char* kSeverityHint = "Severities: info, low, medium, high, critical.";

// Whether the current role may see a recommendation on a relation of this owner (0 = none).
bool may_see(Oid owner);
[[noreturn]] void ThrowUnknownRecommendation(std::int64_t id);

}  // namespace assist::pg

// The review.

#include "pg/recommend/review.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "pg/own_sql.hpp"

extern "C" {
#include "catalog/pg_authid.h"  // for ROLE_PG_READ_ALL_STATS
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

struct Transition {
  Review review;
  std::string_view action;
  std::string_view to;
  std::string_view from[6];
};

constexpr Transition kTransitions[] = {
    {Review::kApprove, "approve", "approved", {"open", "postponed"}},
    {Review::kDismiss,
     "dismiss",
     "dismissed",
     {"open", "approved", "postponed", "failed", "reverted"}},
    {Review::kPostpone, "postpone", "postponed", {"open", "approved", "postponed"}},
    {Review::kReopen,
     "reopen",
     "open",
     {"dismissed", "postponed", "approved", "implemented", "reverted", "failed"}},
    {Review::kMarkImplemented,
     "mark_implemented",
     "implemented",
     {"open", "approved", "postponed", "obsolete", "failed"}},
};

const Transition& TransitionOf(Review review) {
  return *std::find_if(std::begin(kTransitions), std::end(kTransitions),
                       [&](const Transition& item) { return item.review == review; });
}

[[noreturn]] void ThrowWrongState(std::int64_t id, const Transition& transition,
                                  std::string_view status) {
  std::string message = "recommendation " + std::to_string(id) + " is " + std::string(status);
  std::string hint = "assist." + std::string(transition.action) + "() takes one that is";
  for (std::size_t i = 0; i < std::size(transition.from) && !transition.from[i].empty(); ++i) {
    const bool last = i + 1 == std::size(transition.from) || transition.from[i + 1].empty();
    (hint += i == 0 ? " " : last ? " or " : ", ") += transition.from[i];
  }
  hint +=
      status == "obsolete" ? ". An obsolete one opens by itself when its cause comes back." : ".";
  throw AssistError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message.c_str(), hint.c_str());
}

struct Subject {
  bool found = false;
  char status[16] = "";
  Oid relation_owner = 0;
  Oid database_owner = 0;
};

// The row is locked, so that two reviews and the analysis do not overtake each other.
constexpr const char* kSubject =
    "SELECT r.status, coalesce((SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    "  WHERE c.oid = r.relation AND format('%I.%I', n.nspname, c.relname) = r.relation_name), "
    "0::oid),"
    " (SELECT datdba FROM pg_database WHERE datname = current_database())"
    " FROM assist.recommendation r WHERE r.id = $1 FOR NO KEY UPDATE OF r";

Subject ReadSubject(std::int64_t id) {
  Subject subject;
  const Arg arg = Arg::Int8(id);
  QueryFresh(kSubject, {&arg, 1}, [&](const Row& row) {
    subject.found = true;
    const std::size_t n = row.Text(0).copy(subject.status, sizeof subject.status - 1);
    subject.status[n] = '\0';
    subject.relation_owner = row.Object(1);
    subject.database_owner = row.Object(2);
  });
  return subject;
}

constexpr std::string_view kStatuses[] = {"open",        "approved",  "scheduled", "running",
                                          "implemented", "verified",  "reverted",  "failed",
                                          "dismissed",   "postponed", "obsolete"};
constexpr std::string_view kCategories[] = {"index",         "table",       "query",
                                            "configuration", "maintenance", "schema"};
constexpr std::string_view kSeverities[] = {"info", "low", "medium", "high", "critical"};

template <std::size_t N>
bool IsOneOf(const std::string_view (&all)[N], std::string_view text) {
  return std::find(std::begin(all), std::end(all), text) != std::end(all);
}

}  // namespace

bool IsStatus(std::string_view text) { return IsOneOf(kStatuses, text); }
bool IsCategory(std::string_view text) { return IsOneOf(kCategories, text); }
bool IsSeverity(std::string_view text) { return IsOneOf(kSeverities, text); }

bool may_see(Oid owner) {
  return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
         (OidIsValid(owner) && has_privs_of_role(GetUserId(), owner));
}

void ThrowUnknownRecommendation(std::int64_t id) {
  throw AssistError(ERRCODE_NO_DATA_FOUND,
                    ("recommendation " + std::to_string(id) + " does not exist").c_str(),
                    "assist.all_recommendations lists them.");
}

Datum ReviewRecommendation(std::int64_t id, Review review, std::string_view reason,
                           std::int64_t until) {
  const Transition& transition = TransitionOf(review);
  if (review == Review::kPostpone) {
    const bool future =
        Guarded([&] { return !TIMESTAMP_IS_NOEND(until) && until > GetCurrentTimestamp(); });
    if (!future)
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE, "until must be a moment in the future",
                        "assist.dismiss() puts a recommendation away for good.");
  }
  Subject subject;
  {
    const OwnerScope scope;
    subject = ReadSubject(id);
  }
  const char* role = nullptr;
  const char* session_role = nullptr;
  bool seen = false, allowed = false;
  Guarded([&] {
    const Oid user = GetUserId();
    role = GetUserNameFromId(user, false);
    session_role = GetUserNameFromId(GetSessionUserId(), true);
    seen = subject.found && may_see(subject.relation_owner);
    allowed =
        has_privs_of_role(user, subject.database_owner) ||
        (OidIsValid(subject.relation_owner) && has_privs_of_role(user, subject.relation_owner));
  });
  if (!seen) ThrowUnknownRecommendation(id);
  if (!allowed)
    throw AssistError(
        ERRCODE_INSUFFICIENT_PRIVILEGE,
        ("permission denied for recommendation " + std::to_string(id)).c_str(),
        "The owner of its object, the owner of the database or a superuser reviews it.");
  const std::string_view status(subject.status);
  if (std::find(std::begin(transition.from), std::end(transition.from), status) ==
      std::end(transition.from))
    ThrowWrongState(id, transition, status);

  const OwnerScope scope;
  const Arg args[] = {
      Arg::Int8(id), Arg::Text(transition.to), Arg::TextOrNull(reason),
      review == Review::kPostpone ? Arg::Moment(until) : Arg::Null(Arg::Type::kMoment)};
  Execute(
      "UPDATE assist.recommendation SET status = $2, status_reason = $3, postponed_until = $4,"
      " updated_at = clock_timestamp() WHERE id = $1",
      args);
  const Arg log[] = {
      Arg::Int8(id),
      Arg::Text(role),
      Arg::TextOrNull(session_role != nullptr ? session_role : ""),
      Arg::Text(transition.action),
      Arg::Text(transition.to),
      Arg::TextOrNull(reason),
      review == Review::kPostpone ? Arg::Moment(until) : Arg::Null(Arg::Type::kMoment)};
  Execute(
      "INSERT INTO assist.action_log (recommendation_id, role, session_role, action, outcome, "
      "detail,"
      "  object, sql)"
      " SELECT $1, $2, $3, $4, $5, coalesce($6, 'until ' || $7::text), r.object, r.sql"
      " FROM assist.recommendation r WHERE r.id = $1",
      log);
  return QuerySingle("SELECT r FROM assist.all_recommendations r WHERE r.id = $1", {args, 1}).value;
}

}  // namespace assist::pg

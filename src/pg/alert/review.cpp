// Thresholds and the review of alerts.

#include "pg/alert/review.hpp"

#include <cmath>
#include <string>

#include "pg/own_sql.hpp"
#include "pg/recommend/review.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

std::optional<Datum> ThresholdRow(std::string_view metric, std::string_view scope) {
  const Arg args[] = {Arg::Text(metric), Arg::Text(scope)};
  const Single row = QuerySingle(
      "SELECT t FROM assist.thresholds t WHERE t.metric = $1 AND t.scope IN ($2, '') ORDER BY "
      "t.scope = $2 DESC LIMIT 1",
      args);
  return row.null ? std::nullopt : std::optional(row.value);
}

struct Subject {
  bool found = false, resolved = false;
  Oid relation_owner = 0, statement_owner = 0, database_owner = 0;
};

// The row is locked, so that a review and the analysis do not overtake each other.
Subject ReadSubject(std::int64_t id) {
  Subject subject;
  const Arg args[] = {Arg::Int8(id)};
  QueryFresh(
      "SELECT a.status = 'resolved', coalesce((SELECT c.relowner FROM pg_class c JOIN pg_namespace "
      "n ON n.oid = c.relnamespace WHERE c.oid = a.relation AND format('%I.%I', n.nspname, "
      "c.relname) = a.relation_name), 0::oid),"
      " coalesce((SELECT r.oid FROM assist.history_statement s JOIN pg_roles r ON r.oid = s.userid "
      "AND r.rolname = s.role_name WHERE s.id = a.statement), 0::oid),"
      " (SELECT datdba FROM pg_database WHERE datname = current_database())"
      " FROM assist.alert a WHERE a.id = $1 AND a.status <> 'pending' FOR NO KEY UPDATE OF a",
      args, [&](const Row& row) {
        subject.found = true;
        subject.resolved = row.Flag(0);
        subject.relation_owner = row.Object(1);
        subject.statement_owner = row.Object(2);
        subject.database_owner = row.Object(3);
      });
  return subject;
}

// The caller's name. Throws unless the alert is the caller's to review.
std::string Reviewer(std::int64_t id, bool* resolved) {
  Subject subject;
  {
    const OwnerScope scope;
    subject = ReadSubject(id);
  }
  const char* role = nullptr;
  bool seen = false, allowed = false;
  Guarded([&] {
    const Oid user = GetUserId();
    role = GetUserNameFromId(user, false);
    // A statement is whose name ran it, as in the view.
    const bool own = subject.found && subject.statement_owner == user;
    seen = subject.found && (own || may_see(subject.relation_owner));
    allowed =
        own || has_privs_of_role(user, subject.database_owner) ||
        (OidIsValid(subject.relation_owner) && has_privs_of_role(user, subject.relation_owner));
  });
  if (!seen)
    throw AssistError(ERRCODE_NO_DATA_FOUND,
                      ("alert " + std::to_string(id) + " does not exist").c_str(),
                      "assist.alerts lists them.");
  if (!allowed)
    throw AssistError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                      ("permission denied for alert " + std::to_string(id)).c_str(),
                      "The owner of its relation or of the database, the role whose statement it "
                      "is, or a superuser reviews it.");
  *resolved = subject.resolved;
  return role;
}

Datum AlertRow(std::int64_t id) {
  const Arg args[] = {Arg::Int8(id)};
  return QuerySingle("SELECT a FROM assist.alerts a WHERE a.id = $1", args).value;
}

}  // namespace

void CheckThreshold(const Threshold& to, const MetricDescriptor* metric) {
  for (const double value : {to.warning, to.critical})
    if (!std::isnan(value) && (!std::isfinite(value) || value < 0))
      throw AssistError(ERRCODE_INVALID_PARAMETER_VALUE,
                        "a threshold must be 0 or more, and finite", "NULL switches it off.");
  if (metric == nullptr) return;
  const bool lower = metric->better == Better::kLower;
  if (!std::isnan(to.warning) && !std::isnan(to.critical) &&
      (lower ? to.critical < to.warning : to.critical > to.warning))
    throw AssistError(
        ERRCODE_INVALID_PARAMETER_VALUE,
        lower ? "critical must not be below warning" : "critical must not be above warning",
        lower ? "Of this metric less is better." : "Of this metric more is better.");
}

Datum SetThreshold(std::string_view metric, std::string_view scope, const Threshold& to,
                   std::string_view role) {
  const auto or_null = [](double value) {
    return std::isnan(value) ? Arg::Null(Arg::Type::kFloat8) : Arg::Real(value);
  };
  const OwnerScope owner;
  const Arg args[] = {Arg::Text(metric), Arg::Text(scope), or_null(to.warning),
                      or_null(to.critical), Arg::Text(role)};
  Execute(
      "INSERT INTO assist.threshold (metric, scope, warning, critical, changed_by) VALUES ($1, $2, "
      "$3, $4, $5) ON CONFLICT (metric, scope) DO UPDATE SET warning = excluded.warning, critical "
      "= excluded.critical, changed_at = clock_timestamp(), changed_by = excluded.changed_by",
      args);
  return ThresholdRow(metric, scope).value();
}

std::optional<Datum> ResetThreshold(std::string_view metric, std::string_view scope, bool* found) {
  const OwnerScope owner;
  const Arg args[] = {Arg::Text(metric), Arg::Text(scope)};
  *found = Execute("DELETE FROM assist.threshold WHERE metric = $1 AND scope = $2", args) > 0;
  return ThresholdRow(metric, scope);
}

bool PinCoreTable(std::string_view relation_name, Pin pin) {
  const OwnerScope owner;
  const Arg args[] = {Arg::Text(relation_name), pin == Pin::kByTraffic
                                                    ? Arg::Null(Arg::Type::kBool)
                                                    : Arg::Bool(pin == Pin::kCore)};
  Execute(
      "INSERT INTO assist.core_table (relation_name, pinned) VALUES ($1, $2)"
      " ON CONFLICT (relation_name) DO UPDATE SET pinned = excluded.pinned",
      args);
  Execute("DELETE FROM assist.core_table WHERE NOT by_traffic AND pinned IS NULL");
  bool core = false;
  QueryFresh("SELECT coalesce(pinned, by_traffic) FROM assist.core_table WHERE relation_name = $1",
             {args, 1}, [&](const Row& row) { core = row.Flag(0); });
  return core;
}

Datum AcknowledgeAlert(std::int64_t id, std::string_view comment) {
  bool resolved = false;
  const std::string role = Reviewer(id, &resolved);
  if (resolved)
    throw AssistError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      ("alert " + std::to_string(id) + " is resolved").c_str(),
                      "One that is open can be acknowledged.");
  const OwnerScope owner;
  const Arg args[] = {Arg::Int8(id), Arg::Text(role), Arg::TextOrNull(comment)};
  Execute(
      "UPDATE assist.alert SET status = 'acknowledged', acknowledged_by = $2, acknowledged_at = "
      "clock_timestamp(), comment = coalesce($3, comment) WHERE id = $1",
      args);
  return AlertRow(id);
}

Datum MuteAlert(std::int64_t id, TimestampTz until) {
  bool resolved = false;
  const std::string role = Reviewer(id, &resolved);
  const OwnerScope owner;
  const Arg args[] = {Arg::Int8(id),
                      until == 0 ? Arg::Null(Arg::Type::kMoment) : Arg::Moment(until)};
  Execute("UPDATE assist.alert SET muted_until = $2 WHERE id = $1", args);
  return AlertRow(id);
}

}  // namespace assist::pg

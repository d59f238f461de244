// Merging findings into assist.recommendation.

#include "pg/recommend/store.hpp"

#include <algorithm>

#include "pg/own_sql.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/json.h"  // for escape_json
}

namespace assist::pg {

namespace {

// A JSON object. In the current memory context.
const char* evidence_json(const Finding& finding) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, '{');
  for (const Evidence& item : finding.evidence) {
    if (out.len > 1) appendStringInfoString(&out, ", ");
    escape_json(&out, pnstrdup(item.key.data(), item.key.size()));
    appendStringInfoString(&out, ": ");
    if (const bool* flag = std::get_if<bool>(&item.value))
      appendStringInfoString(&out, *flag ? "true" : "false");
    else if (const std::int64_t* whole = std::get_if<std::int64_t>(&item.value))
      appendStringInfo(&out, "%lld", static_cast<long long>(*whole));
    else if (const double* number = std::get_if<double>(&item.value)) {
      if (*number - *number == 0)
        appendStringInfo(&out, "%.6g", *number);
      else
        appendStringInfoString(&out, "null");
    } else if (const std::pmr::string* text = std::get_if<std::pmr::string>(&item.value))
      escape_json(&out, pnstrdup(text->data(), text->size()));
  }
  appendStringInfoChar(&out, '}');
  return out.data;
}

std::string_view KindName(Action::Kind kind) {
  switch (kind) {
    case Action::Kind::kNone:
      return "none";
    case Action::Kind::kCreateIndex:
      return "create index";
    case Action::Kind::kDropIndex:
      return "drop index";
    case Action::Kind::kReindex:
      return "reindex";
    case Action::Kind::kVacuum:
      return "vacuum";
    case Action::Kind::kVacuumFull:
      return "vacuum full";
    case Action::Kind::kAnalyze:
      return "analyze";
    case Action::Kind::kSetParameter:
      return "set parameter";
    case Action::Kind::kCompleteIndex:
      return "complete index";
  }
  return "none";
}

std::string_view ScopeName(Action::Scope scope) {
  switch (scope) {
    case Action::Scope::kSystem:
      return "system";
    case Action::Scope::kDatabase:
      return "database";
    case Action::Scope::kRole:
      return "role";
    case Action::Scope::kRoleInDatabase:
      return "role in database";
  }
  return "system";
}

struct Subject {
  Oid oid = 0;
  std::string_view name, definition;
};

Subject SubjectOfIndex(const Snapshot& snapshot, const Index& index) {
  const Table* table = snapshot.FindTable(index.table);
  if (table == nullptr) return {index.oid, index.qualified, index.definition};
  return {table->oid, table->qualified, index.definition};
}

// The table a finding is about, for rights: it outlives the index that is dropped. None for
// settings and statements.
Subject SubjectOf(const Snapshot& snapshot, const Finding& finding) {
  const Oid oid = finding.action.relation;
  if (const Index* index = snapshot.FindIndex(oid)) return SubjectOfIndex(snapshot, *index);
  if (const Table* table = snapshot.FindTable(oid)) return {oid, table->qualified, {}};
  for (const Table& table : snapshot.tables)
    if (table.qualified == finding.object) return {table.oid, table.qualified, {}};
  for (const Index& index : snapshot.indexes)
    if (index.qualified == finding.object) return SubjectOfIndex(snapshot, index);
  return {};
}

// Parameters in the order of both statements below; $1 is the fingerprint.
#define ASSIST_COLUMNS                                                                        \
  "category, rule, severity, object, title, rationale, benefit_ms_per_day, benefit_pct,"      \
  " storage_delta_bytes, confidence, risk, sql, queryids, evidence, relation, relation_name," \
  " action_kind, action_scope, action_relation, action_object, action_statement, "            \
  "action_parameter,"                                                                         \
  " action_value, action_role, action_definition"
#define ASSIST_VALUES                                                                             \
  "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17, $18, $19, $20," \
  " $21, $22, $23, $24, $25, $26"

constexpr const char* kInsert =
    "INSERT INTO assist.recommendation (fingerprint, " ASSIST_COLUMNS
    ")"
    " SELECT $1, " ASSIST_VALUES
    " WHERE NOT EXISTS (SELECT 1 FROM assist.recommendation WHERE fingerprint = $1)"
    " ON CONFLICT (fingerprint) DO NOTHING";

// Nothing is written, not even a row lock, when nothing changed.
constexpr const char* kUpdate =
    "WITH old AS ("
    "  SELECT r.id, status = 'obsolete' OR status IN ('implemented', 'verified') AND gone"
    "    OR status = 'postponed' AND postponed_until <= clock_timestamp() AS reopen, status AS was"
    "  FROM assist.recommendation r WHERE fingerprint = $1 AND (gone OR status = 'obsolete'"
    "    OR status = 'postponed' AND postponed_until <= clock_timestamp()"
    "    OR ROW(" ASSIST_COLUMNS ") IS DISTINCT FROM ROW(" ASSIST_VALUES
    "))"
    "  FOR NO KEY UPDATE SKIP LOCKED)"
    " UPDATE assist.recommendation r SET (" ASSIST_COLUMNS
    ", gone, status, status_reason, postponed_until,"
    "  updated_at) = (" ASSIST_VALUES
    ", false, CASE WHEN o.reopen THEN 'open' ELSE r.status END,"
    "  CASE WHEN o.reopen THEN NULL ELSE r.status_reason END,"
    "  CASE WHEN o.reopen THEN NULL ELSE r.postponed_until END, clock_timestamp())"
    " FROM old o WHERE o.id = r.id RETURNING r.id, o.reopen, o.was";

constexpr const char* kLogOpened =
    "INSERT INTO assist.action_log (action, recommendation_id, object, outcome, detail)"
    " VALUES ('open', $1, $2, 'open', $3)";

// $1 rules, $2 reasons, $3 fingerprints that were found, $4 tables that were not looked at, $5 rules that plan
// statements, $6 statements that could not be planned.
constexpr const char* kObsolete =
    "WITH lost AS ("
    "  SELECT r.id, w.reason FROM assist.recommendation r"
    "  JOIN unnest($1, $2) w(rule, reason) ON w.rule = r.rule"
    "  WHERE NOT r.gone AND NOT r.fingerprint = ANY ($3)"
    "  AND (r.relation IS NULL OR NOT r.relation::int8 = ANY ($4))"
    "  AND NOT (r.rule = ANY ($5) AND r.queryids && $6) FOR NO KEY UPDATE OF r SKIP "
    "LOCKED),"
    " changed AS ("
    "  UPDATE assist.recommendation r SET gone = true, updated_at = clock_timestamp(),"
    "   status = CASE WHEN r.status IN ('open', 'approved', 'postponed') THEN 'obsolete' ELSE "
    "r.status END,"
    "   status_reason = CASE WHEN r.status IN ('open', 'approved', 'postponed') THEN l.reason"
    "                        ELSE r.status_reason END"
    "  FROM lost l WHERE l.id = r.id RETURNING r.id, r.object, r.status, l.reason)"
    " INSERT INTO assist.action_log (action, recommendation_id, object, outcome, detail)"
    " SELECT 'obsolete', id, object, 'obsolete', reason FROM changed WHERE status = 'obsolete'";

// What concerns a relation that is not there any more, whatever its rule did this time.
constexpr const char* kDropped =
    "WITH lost AS ("
    "  SELECT r.id FROM assist.recommendation r WHERE NOT r.gone"
    "  AND (r.relation IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = "
    "r.relation)"
    "   OR r.action_relation IS NOT NULL"
    "   AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = r.action_relation))"
    "  FOR NO KEY UPDATE OF r SKIP LOCKED),"
    " changed AS ("
    "  UPDATE assist.recommendation r SET gone = true, updated_at = clock_timestamp(),"
    "   status = CASE WHEN r.status IN ('open', 'approved', 'postponed') THEN 'obsolete' ELSE "
    "r.status END,"
    "   status_reason = CASE WHEN r.status IN ('open', 'approved', 'postponed')"
    "                        THEN 'the relation does not exist any more' ELSE r.status_reason END"
    "  FROM lost l WHERE l.id = r.id RETURNING r.id, r.object, r.status, r.status_reason)"
    " INSERT INTO assist.action_log (action, recommendation_id, object, outcome, detail)"
    " SELECT 'obsolete', id, object, 'obsolete', status_reason FROM changed WHERE status = "
    "'obsolete'";

void StoreOne(const Snapshot& snapshot, const RuleDescriptor& rule, const Finding& finding) {
  const Action& action = finding.action;
  const Subject subject = SubjectOf(snapshot, finding);
  const bool has_action = action.kind != Action::Kind::kNone;
  const double total = snapshot.server.database_ms_per_day;
  const char* evidence = Guarded([&] { return evidence_json(finding); });
  const Arg args[26] = {
      Arg::Text(finding.fingerprint),
      Arg::Text(ToString(rule.category)),
      Arg::Text(rule.id),
      Arg::Text(ToString(finding.severity)),
      Arg::Text(finding.object),
      Arg::Text(finding.title),
      Arg::Text(finding.rationale),
      Arg::Real(finding.benefit_ms_per_day),
      total > 0 ? Arg::Real(std::min(100.0, 100 * finding.benefit_ms_per_day / total))
                : Arg::Null(Arg::Type::kFloat8),
      Arg::Int8(finding.storage_delta_bytes),
      Arg::Real(finding.confidence),
      Arg::Text(finding.risk),
      Arg::TextOrNull(finding.sql),
      Arg::Integers(finding.query_ids),
      Arg::Text(evidence),
      Arg::Object(subject.oid),
      Arg::TextOrNull(subject.name),
      Arg::Text(KindName(action.kind)),
      has_action ? Arg::Text(ScopeName(action.scope)) : Arg::Null(Arg::Type::kText),
      Arg::Object(action.relation),
      Arg::TextOrNull(action.object),
      Arg::TextOrNull(action.statement),
      Arg::TextOrNull(action.parameter),
      Arg::TextOrNull(action.value),
      Arg::TextOrNull(action.role),
      Arg::TextOrNull(subject.definition)};

  bool known = false;
  std::int64_t opened = 0;
  const char* why = "its cause is back";
  QueryFresh(kUpdate, args, [&](const Row& row) {
    known = true;
    if (!row.Flag(1)) return;
    opened = row.Integer(0);
    if (row.Text(2) == "postponed") why = "it was postponed until now";
  });
  if (!known) Execute(kInsert, args);
  if (opened != 0) {
    const Arg log[] = {Arg::Int8(opened), Arg::Text(finding.object), Arg::Text(why)};
    Execute(kLogOpened, log);
  }
}

void MarkObsolete(const Snapshot& snapshot, std::span<const RuleOutcome> outcomes,
                  const Findings& findings, std::span<const Oid> unread) {
  const std::vector<std::int64_t> skipped(unread.begin(), unread.end());
  std::vector<std::string_view> rules, reasons, found, planning;
  for (const RuleOutcome& outcome : outcomes) {
    if (outcome.enabled && !outcome.judged) continue;
    rules.push_back(outcome.rule->id);
    if (outcome.enabled && Has(outcome.rule->needs, Needs::kProposedIndexes))
      planning.push_back(outcome.rule->id);
    reasons.push_back(!outcome.enabled               ? std::string_view("the rule is off")
                      : outcome.state == "evaluated" ? std::string_view("not found any more")
                                                     : std::string_view(outcome.state));
  }
  for (const Finding& finding : findings.items()) found.push_back(finding.fingerprint);
  const Arg args[] = {Arg::Texts(rules), Arg::Texts(reasons), Arg::Texts(found),
                      Arg::Integers(skipped), Arg::Texts(planning),
                      Arg::Integers(snapshot.unplanned)};
  Execute(kObsolete, args);
  Execute(kDropped);
}

}  // namespace

void StoreFindings(const Snapshot& snapshot, std::span<const RuleOutcome> outcomes,
                   const Findings& findings, std::span<const Oid> unread) {
  for (const Finding& finding : findings.items()) {
    const RuleDescriptor* rule = FindRule(finding.rule);
    if (rule != nullptr) StoreOne(snapshot, *rule, finding);
  }
  MarkObsolete(snapshot, outcomes, findings, unread);
  for (const RuleOutcome& outcome : outcomes) {
    const Arg args[] = {Arg::Text(outcome.rule->id), Arg::Text(outcome.state),
                        Arg::Int4(outcome.findings)};
    Execute(
        "INSERT INTO assist.rule_state (rule, state, evaluated_at, findings)"
        " VALUES ($1, $2, clock_timestamp(), $3) ON CONFLICT (rule) DO UPDATE"
        " SET state = $2, evaluated_at = clock_timestamp(), findings = $3",
        args);
  }
  Execute(
      "DELETE FROM assist.recommendation WHERE status = 'obsolete'"
      " AND updated_at < clock_timestamp() - interval '90 days'");
}

int CountOpen() {
  int open = 0;
  QueryFresh("SELECT count(*) FROM assist.recommendation WHERE status = 'open'", {},
             [&](const Row& row) { open = static_cast<int>(row.Integer(0)); });
  return open;
}

}  // namespace assist::pg

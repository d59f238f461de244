// Incidents as they were and as they are now.

#include "pg/alert/book.hpp"

#include <cmath>
#include <cstdio>

#include "pg/alert/tell.hpp"
#include "pg/own_sql.hpp"

namespace assist::pg {

namespace {

// What is open or pending of one metric at a time: what else there is, is told by the first.
constexpr int kMostOfMetric = 50;
constexpr TimestampTz kDay = USECS_PER_DAY;

// Without a measurement for so long a pending one is none, and an open one over.
TimestampTz PendingFor(const MetricDescriptor* metric) {
  if (metric == nullptr || metric->pace == Pace::kMinutes) return 2 * USECS_PER_HOUR;
  return metric->pace == Pace::kHour ? 6 * USECS_PER_HOUR : 3 * kDay;
}
TimestampTz OpenFor(const MetricDescriptor* metric) {
  return metric != nullptr && metric->pace == Pace::kDay ? 4 * kDay : kDay;
}

std::string FingerprintOf(std::string_view source, std::string_view metric, std::string_view key) {
  std::string fingerprint(source);
  fingerprint.append(":").append(metric).append(":").append(key);
  return fingerprint;
}

std::string_view SourceOf(const MetricDescriptor& metric) {
  return metric.anomaly ? "anomaly" : "threshold";
}

const char* NameOf(AlertStatus status, bool acknowledged) {
  if (status == AlertStatus::kPending) return "pending";
  if (status == AlertStatus::kResolved) return "resolved";
  return acknowledged ? "acknowledged" : "open";
}

double ShownThreshold(const Threshold& threshold, bool critical) {
  return critical || std::isnan(threshold.warning) ? threshold.critical : threshold.warning;
}

Arg RealOrNull(double value) {
  return std::isnan(value) ? Arg::Null(Arg::Type::kFloat8) : Arg::Real(value);
}

}  // namespace

std::string NumbersJson(std::initializer_list<std::pair<std::string_view, double>> numbers) {
  std::string json = "{";
  for (const auto& [name, value] : numbers) {
    if (!std::isfinite(value)) continue;
    if (json.size() > 1) json += ", ";
    char text[40];
    std::snprintf(text, sizeof text, "\": %.10g", value);
    json.append("\"").append(name).append(text);
  }
  return json + "}";
}

AlertBook::AlertBook(TimestampTz now) : now_(now), recorded_(now) {
  for (const MetricDescriptor& metric : AllMetrics())
    thresholds_[std::string(metric.name)] = {metric.warning, metric.critical};
  Query(
      "SELECT metric, scope, coalesce(warning, 'NaN'), coalesce(critical, 'NaN') FROM "
      "assist.threshold",
      [&](const Row& row) {
        std::string at(row.Text(0));
        if (!row.Text(1).empty()) at.append(":").append(row.Text(1));
        thresholds_[at] = {row.Real(2), row.Real(3)};
      });
  // The last of each: what was resolved within a day, or is muted, goes on where it comes back.
  const Arg args[] = {Arg::Moment(now)};
  Query(
      "SELECT DISTINCT ON (fingerprint) id, fingerprint, source, metric, object, status, severity, "
      "breaches, criticals, goods, calm, times_opened, coalesce(muted_until > $1, false), "
      "judged_until, last_seen, resolved_at FROM assist.alert"
      " WHERE status <> 'resolved' OR resolved_at > $1 - interval '1 day' OR muted_until > $1"
      " ORDER BY fingerprint, id DESC",
      args, [&](const Row& row) {
        Known& known = known_[std::string(row.Text(1))];
        known.id = row.Integer(0);
        known.fingerprint = row.Text(1);
        known.source = row.Text(2);
        known.metric = row.Text(3);
        known.object = row.Text(4);
        const std::string_view status = row.Text(5);
        known.state = {.status = status == "pending"    ? AlertStatus::kPending
                                 : status == "resolved" ? AlertStatus::kResolved
                                                        : AlertStatus::kOpen,
                       .critical = row.Text(6) == "critical",
                       .breaches = static_cast<int>(row.Integer(7)),
                       .criticals = static_cast<int>(row.Integer(8)),
                       .goods = static_cast<int>(row.Integer(9)),
                       .calm = static_cast<int>(row.Integer(10)),
                       .times_opened = static_cast<int>(row.Integer(11))};
        known.acknowledged = status == "acknowledged";
        known.muted = row.Flag(12);
        known.judged_until = row.Integer(13);
        known.last_seen = row.Integer(14);
        known.resolved_at = row.IsNull(15) ? 0 : row.Integer(15);
        if (known.state.status != AlertStatus::kResolved) ++open_[known.metric];
      });
}

Threshold AlertBook::ThresholdOf(const MetricDescriptor& metric, std::string_view scope) const {
  std::string at(metric.name);
  if (metric.of != MetricOf::kDatabase) {
    const auto own = thresholds_.find(at + ":" + std::string(scope));
    if (own != thresholds_.end()) return own->second;
  }
  const auto all = thresholds_.find(at);
  return all == thresholds_.end() ? Threshold{} : all->second;
}

bool AlertBook::IsWanted(const MetricDescriptor& metric) const {
  const std::string prefix = std::string(metric.name) + ":";
  for (const auto& [at, threshold] : thresholds_)
    if ((at == metric.name || at.starts_with(prefix)) && !threshold.IsOff()) return true;
  return false;
}

const AlertBook::Known* AlertBook::Find(std::string_view source, std::string_view metric,
                                        std::string_view key) const {
  const auto found = known_.find(FingerprintOf(source, metric, key));
  return found == known_.end() ? nullptr : &found->second;
}
AlertBook::Known* AlertBook::Find(std::string_view source, std::string_view metric,
                                  std::string_view key) {
  const auto found = known_.find(FingerprintOf(source, metric, key));
  return found == known_.end() ? nullptr : &found->second;
}

TimestampTz AlertBook::JudgedUntil(const MetricDescriptor& metric, std::string_view key) const {
  const Known* known = Find(SourceOf(metric), metric.name, key);
  // A clock that was put back has judged nothing yet.
  return known == nullptr || known->judged_until > now_ ? 0 : known->judged_until;
}

bool AlertBook::IsOpen(const MetricDescriptor& metric, std::string_view key) const {
  const Known* known = Find(SourceOf(metric), metric.name, key);
  return known != nullptr && known->state.status == AlertStatus::kOpen;
}

bool AlertBook::IsKnownOrBeyond(const MetricDescriptor& metric, const AlertObject& object,
                                double value) const {
  return Find(SourceOf(metric), metric.name, object.key) != nullptr ||
         LevelOf(value, ThresholdOf(metric, object.name), metric.better) >= Level::kWarning;
}

void AlertBook::Judge(const MetricDescriptor& metric, const AlertObject& object, double value,
                      const AlertText& text) {
  const Threshold threshold = ThresholdOf(metric, object.name);
  const Level level = LevelOf(value, threshold, metric.better);
  Take({SourceOf(metric), metric.name, metric.unit, level, value, threshold, now_,
        metric.hysteresis},
       object, text);
}

void AlertBook::Tell(const Finding& finding, const AlertObject& object, const AlertText& text) {
  Take({finding.source,
        finding.metric,
        finding.unit,
        finding.level,
        finding.value,
        {},
        finding.since,
        finding.hysteresis},
       object, text);
}

bool AlertBook::IsTooMany(std::string_view metric) {
  const auto open = open_.find(metric);
  return open != open_.end() && open->second >= kMostOfMetric;
}

void AlertBook::Take(const Judged& judged, const AlertObject& object, const AlertText& text) {
  Known* known = Find(judged.source, judged.metric, object.key);
  if (known == nullptr) {
    if (judged.level < Level::kWarning || IsTooMany(judged.metric)) return;
    const std::string fingerprint = FingerprintOf(judged.source, judged.metric, object.key);
    known = &known_[fingerprint];
    known->fingerprint = fingerprint;
    known->source = judged.source;
    known->metric = judged.metric;
    known->object = object.name;
    known->judged_until = recorded_;
    ++open_[known->metric];
    const Arg args[] = {Arg::Text(fingerprint),
                        Arg::Text(judged.source),
                        Arg::Text(judged.metric),
                        Arg::Text(object.name),
                        Arg::Moment(judged.since),
                        Arg::Moment(now_),
                        object.statement != 0
                            ? Arg::Int4(static_cast<std::int32_t>(object.statement))
                            : Arg::Null(Arg::Type::kInt4),
                        Arg::Object(object.relation),
                        Arg::TextOrNull(object.relation_name),
                        Arg::TextOrNull(judged.unit)};
    known->id = 0;
    QueryFresh(
        "INSERT INTO assist.alert (fingerprint, source, metric, object, since, last_seen, "
        "judged_until, statement, relation, relation_name, unit, severity, status, title)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, 'warning', 'pending', '')"
        " RETURNING id",
        args, [&](const Row& row) { known->id = row.Integer(0); });
  }
  known->told = true;
  const bool was_resolved = known->state.status == AlertStatus::kResolved;
  if (was_resolved && judged.level < Level::kWarning && known->state.breaches == 0) return;
  const AlertChange change = Advance(known->state, judged.level, judged.hysteresis);
  known->judged_until = recorded_;
  known->last_seen = now_;
  if (change == AlertChange::kForgotten) {
    const Arg args[] = {Arg::Int8(known->id)};
    Execute("DELETE FROM assist.alert WHERE id = $1", args);
    --open_[known->metric];
    const std::string fingerprint = known->fingerprint;
    known_.erase(fingerprint);
    return;
  }
  // What is said of a resolved one is what it was; else what is seen now, of an open one that is
  // getting better too.
  if (known->state.status != AlertStatus::kResolved) {
    const Arg args[] = {Arg::Int8(known->id),
                        RealOrNull(judged.value),
                        RealOrNull(ShownThreshold(judged.threshold, known->state.critical)),
                        Arg::Text(text.title),
                        Arg::Text(text.evidence),
                        Arg::TextOrNull(text.what_to_do),
                        Arg::TextOrNull(text.sql),
                        Arg::Bool(judged.level >= Level::kWarning)};
    Execute(
        "UPDATE assist.alert SET value = $2, threshold = CASE WHEN $8 THEN $3 ELSE threshold END,"
        " title = CASE WHEN $8 THEN $4 ELSE title END,"
        " evidence = CASE WHEN $8 THEN $5::jsonb ELSE evidence END,"
        " what_to_do = CASE WHEN $8 THEN $6 ELSE what_to_do END,"
        " sql = CASE WHEN $8 THEN $7 ELSE sql END WHERE id = $1",
        args);
  }
  Save(*known, change);
}

void AlertBook::Save(Known& known, AlertChange change) {
  const AlertState& state = known.state;
  if (change == AlertChange::kOpened || change == AlertChange::kRaised) known.acknowledged = false;
  const Arg args[] = {Arg::Int8(known.id),
                      Arg::Text(NameOf(state.status, known.acknowledged)),
                      Arg::Text(state.critical ? "critical" : "warning"),
                      Arg::Int4(state.breaches),
                      Arg::Int4(state.criticals),
                      Arg::Int4(state.goods),
                      Arg::Int4(state.calm),
                      Arg::Int4(state.times_opened),
                      Arg::Moment(known.last_seen),
                      Arg::Moment(known.judged_until),
                      Arg::Bool(change == AlertChange::kOpened),
                      Arg::Bool(change == AlertChange::kResolved),
                      Arg::Moment(now_)};
  Execute(
      "UPDATE assist.alert SET status = $2, severity = $3, breaches = $4, criticals = $5, goods = "
      "$6, calm = $7, times_opened = $8, last_seen = $9, judged_until = $10,"
      " opened_at = CASE WHEN $11 THEN $13 ELSE opened_at END,"
      " acknowledged_by = CASE WHEN $2 = 'open' THEN NULL ELSE acknowledged_by END,"
      " acknowledged_at = CASE WHEN $2 = 'open' THEN NULL ELSE acknowledged_at END,"
      " resolved_at = CASE WHEN $12 THEN $13 WHEN $11 THEN NULL ELSE resolved_at END WHERE id = $1",
      args);
  if (change == AlertChange::kResolved) --open_[known.metric];
  if (change == AlertChange::kNone || known.muted) return;
  news_.push_back({known.id, state.critical ? "critical" : "warning", known.metric,
                   NameOf(state.status, known.acknowledged)});
}

void AlertBook::Resolve(Known& known) {
  if (known.state.status == AlertStatus::kPending) {
    const Arg args[] = {Arg::Int8(known.id)};
    Execute("DELETE FROM assist.alert WHERE id = $1", args);
    known.state.status = AlertStatus::kNone;
    return;
  }
  if (known.state.status != AlertStatus::kOpen) return;
  known.state = {.status = AlertStatus::kResolved,
                 .critical = known.state.critical,
                 .times_opened = known.state.times_opened};
  Save(known, AlertChange::kResolved);
}

void AlertBook::EndOfSource(std::string_view source, const Hysteresis& hysteresis) {
  for (auto& [fingerprint, known] : known_) {
    if (known.source != source || known.told) continue;
    known.told = true;
    if (known.state.status == AlertStatus::kPending) Resolve(known);
    if (known.state.status != AlertStatus::kOpen) continue;
    known.judged_until = now_;
    const AlertChange change = Advance(known.state, Level::kGood, hysteresis);
    Save(known, change);
  }
}

void AlertBook::Keep(const MetricDescriptor& metric, std::string_view key) {
  if (Known* known = Find(SourceOf(metric), metric.name, key)) known->kept = true;
}

void AlertBook::SetState(std::string_view name, std::string_view state) {
  const Arg args[] = {Arg::Text(name), Arg::Text(state)};
  Execute(
      "INSERT INTO assist.threshold_state AS s (metric, state, evaluated_at) VALUES ($1, $2, "
      "clock_timestamp()) ON CONFLICT (metric) DO UPDATE SET state = excluded.state, evaluated_at "
      "= excluded.evaluated_at",
      args);
}

void AlertBook::Close() {
  for (auto& [fingerprint, known] : known_) {
    if (known.told || known.source == "regression" || known.source == "capacity") continue;
    const MetricDescriptor* metric = FindMetric(known.metric);
    const bool off = metric == nullptr ? !known.kept : ThresholdOf(*metric, known.object).IsOff();
    const bool pending = known.state.status == AlertStatus::kPending;
    const TimestampTz allowed = pending ? PendingFor(metric) : OpenFor(metric);
    if (off || known.last_seen < now_ - allowed) Resolve(known);
  }
  const Arg args[] = {Arg::Moment(now_)};
  // Whose mute is over and which are still there are told of as if they were new.
  QueryFresh(
      "UPDATE assist.alert SET muted_until = NULL WHERE muted_until <= $1 RETURNING id, severity, "
      "metric, status",
      args, [&](const Row& row) {
        if (row.Text(3) == "open" || row.Text(3) == "acknowledged")
          news_.push_back({row.Integer(0), std::string(row.Text(1)), std::string(row.Text(2)),
                           std::string(row.Text(3))});
      });
  Execute(
      "DELETE FROM assist.alert WHERE resolved_at < $1 - interval '90 days' AND coalesce("
      "muted_until, $1) <= $1 OR status = 'resolved' AND id < (SELECT id FROM assist.alert ORDER "
      "BY id DESC OFFSET 20000 LIMIT 1)",
      args);
  for (const News& one : news_)
    TellOfAlert(one.id, one.severity.c_str(), one.kind.c_str(), one.status.c_str());
  news_.clear();
}

}  // namespace assist::pg

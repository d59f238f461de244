// What other parts have found: regressions, one alert per incident, and what runs out.

#include <cstdio>

#include "pg/alert/measure.hpp"

namespace assist::pg {

namespace {

// They are judged where they are found; of what runs out a peak is to last.
constexpr Hysteresis kAtOnce = {1, 1}, kTwice = {2, 2};

}  // namespace

void TakeRegressions(AlertBook& book, TimestampTz) {
  struct Incident {
    AlertBook::Finding finding;
    AlertObject object;
    AlertText text;
  };
  std::vector<Incident> incidents;
  QueryFresh(
      "SELECT DISTINCT ON (coalesce(r.incident, r.id)) coalesce(r.incident, r.id)::text, "
      "s.queryid::text, r.statement, min(r.onset) OVER w, r.ratio, count(*) OVER w,"
      " CASE WHEN count(*) OVER w = 1 THEN 'A statement takes ' ELSE format('%s statements take "
      "longer than before, the heaviest ', count(*) OVER w) END || format('%s times as long: %s', "
      "round(r.ratio::numeric, 1), coalesce(r.causes #>> '{0,cause}', 'the cause is not known')),"
      " coalesce(r.causes #>> '{0,mitigation}', ''), coalesce(r.causes #>> '{0,sql}', ''),"
      " jsonb_build_object('regressions', (SELECT jsonb_agg(o.id ORDER BY o.id) FROM "
      "assist.regression o WHERE coalesce(o.incident, o.id) = coalesce(r.incident, r.id)), "
      "'before_ms', r.before_ms, 'after_ms', r.after_ms, 'impact_pct', round((100 * "
      "r.impact)::numeric, 1), 'cause', r.causes #>> '{0,evidence}')::text"
      " FROM assist.regression r JOIN assist.history_statement s ON s.id = r.statement"
      " WHERE r.until IS NULL AND r.direction = 'slower' AND r.severity = 'warning'"
      " WINDOW w AS (PARTITION BY coalesce(r.incident, r.id))"
      " ORDER BY coalesce(r.incident, r.id), abs(r.impact) DESC",
      {}, [&](const Row& row) {
        Incident& one = incidents.emplace_back();
        one.object = {.name = std::string(row.Text(1)),
                      .key = std::string(row.Text(0)),
                      .statement = static_cast<std::uint32_t>(row.Integer(2)),
                      .relation_name = {}};
        one.finding = {.source = "regression",
                       .metric = "regression",
                       .level = Level::kWarning,
                       .value = row.Real(4),
                       .unit = "times as long",
                       .since = row.Integer(3),
                       .hysteresis = kAtOnce};
        one.text = {.title = std::string(row.Text(6)),
                    .what_to_do = std::string(row.Text(7)),
                    .sql = std::string(row.Text(8)),
                    .evidence = std::string(row.Text(9))};
      });
  for (const Incident& one : incidents) book.Tell(one.finding, one.object, one.text);
  book.EndOfSource("regression", kAtOnce);
}

void TakeCapacity(AlertBook& book, TimestampTz now) {
  struct Scarce {
    std::string resource;
    AlertBook::Finding finding;
    AlertObject object;
    AlertText text;
  };
  std::vector<Scarce> found;
  // Relations by name, so that their owners see what concerns them.
  QueryFresh(
      "SELECT c.resource, c.object, c.severity, c.used_pct::float8, coalesce(c.note, ''), "
      "coalesce(c.sql, ''), jsonb_build_object('used', c.used, 'limit', c.\"limit\", 'unit', "
      "c.unit, 'days_to_limit', c.days_to_limit)::text, coalesce(r.oid, 0::oid), coalesce(r.name, "
      "''), c.days_to_limit"
      " FROM (SELECT * FROM assist.capacity WHERE severity IN ('critical', 'high')) c LEFT JOIN "
      "LATERAL (SELECT p.oid, format('%I.%I', n.nspname, p.relname) AS name FROM pg_class p JOIN "
      "pg_namespace n ON n.oid = p.relnamespace WHERE c.resource IN ('sequence', 'integer_key', "
      "'partition_range') AND (format('%I.%I', n.nspname, p.relname) = c.object OR c.resource = "
      "'integer_key' AND starts_with(c.object, format('%I.%I.', n.nspname, p.relname))) LIMIT 1) r "
      "ON true",
      {}, [&](const Row& row) {
        Scarce& one = found.emplace_back();
        one.resource = row.Text(0);
        const std::string object(row.Text(1));
        one.object = {.name = object,
                      .key = object,
                      .relation = row.Object(7),
                      .relation_name = std::string(row.Text(8))};
        one.finding = {.source = "capacity",
                       .metric = {},
                       .level = row.Text(2) == "critical" ? Level::kCritical : Level::kWarning,
                       .value = row.IsNull(3) ? row.IsNull(9) ? kOff : row.Real(9) : row.Real(3),
                       .unit = row.IsNull(3) ? "days left" : "%",
                       .since = now,
                       .hysteresis = kTwice};
        char title[120];
        if (row.IsNull(3))
          std::snprintf(title, sizeof title, "%s runs out", one.resource.c_str());
        else
          std::snprintf(title, sizeof title, "%s: %.1f %% are used", one.resource.c_str(),
                        row.Real(3));
        one.text = {.title = title,
                    .what_to_do = std::string(row.Text(4)),
                    .sql = std::string(row.Text(5)),
                    .evidence = std::string(row.Text(6))};
      });
  for (Scarce& one : found) {
    one.finding.metric = one.resource;
    book.Tell(one.finding, one.object, one.text);
  }
  book.EndOfSource("capacity", kTwice);
}

}  // namespace assist::pg

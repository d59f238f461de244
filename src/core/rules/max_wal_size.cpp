// max_wal_size: checkpoints that WAL volume forces before checkpoint_timeout.
#include <algorithm>
#include <cmath>

#include "core/rules/registry.hpp"
#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::rules {
namespace {

using text::Append;

constexpr std::string_view kId = "max_wal_size";
constexpr double kHeadroom = 1.25;

constexpr Param kParams[] = {
    {.name = "min_forced_share",
     .unit = Unit::kFraction,
     .fallback = 0.10,
     .min = 0,
     .max = 1,
     .meaning = "share of checkpoints that WAL volume forced"},
    {.name = "min_forced",
     .unit = Unit::kCount,
     .fallback = 5,
     .min = 1,
     .max = 1e6,
     .meaning = "checkpoints that WAL volume forced in the observed time"},
    {.name = "max_disk_share",
     .unit = Unit::kFraction,
     .fallback = 0.30,
     .min = 0.01,
     .max = 0.9,
     .meaning = "share of the free space on the WAL disk that the growth may take"},
    {.name = "max_value",
     .unit = Unit::kBytes,
     .fallback = 64 * kGB,
     .min = 128 * kMB,
     .max = kMaxBytes,
     .meaning = "largest value to propose: WAL that recovery may have to replay"},
};

// Up to a whole number of units that people would type.
double RoundUp(double bytes) {
  const double unit = bytes < 4 * kGB ? 256 * kMB : bytes < 32 * kGB ? kGB : 4 * kGB;
  return std::ceil(bytes / unit) * unit;
}
double RoundDown(double bytes) {
  const double unit = bytes < 4 * kGB ? 256 * kMB : kGB;
  return std::floor(bytes / unit) * unit;
}

void Evaluate(const Snapshot& snapshot, const ParamValues& values, Findings& out) {
  const Server& server = snapshot.server;
  const Setting* current = snapshot.FindSetting("max_wal_size");
  const Setting* timeout = snapshot.FindSetting("checkpoint_timeout");
  const Setting* completion = snapshot.FindSetting("checkpoint_completion_target");
  if (current == nullptr || timeout == nullptr || completion == nullptr || current->number <= 0)
    return;
  const auto forced = static_cast<double>(server.checkpoints_by_wal);
  const auto all = static_cast<double>(server.checkpoints_timed + server.checkpoints_requested);
  if (forced < values["min_forced"] || all <= 0 || forced / all < values["min_forced_share"])
    return;
  if (server.wal_bytes_per_second_p95 <= 0) {
    out.Silent(kId, "too little history of WAL volume");
    return;
  }
  if (server.wal_disk_free_bytes <= 0) {
    out.Silent(kId, "the free space on the WAL disk is not known");
    return;
  }
  if (current->source == "command line" || current->source == "environment variable") {
    out.Silent(kId, "max_wal_size is set where ALTER SYSTEM cannot change it");
    return;
  }

  const double needed = server.wal_bytes_per_second_p95 * (timeout->number / 1e3) *
                        (1 + completion->number) * kHeadroom;
  const double by_disk =
      current->number + values["max_disk_share"] * static_cast<double>(server.wal_disk_free_bytes);
  const double allowed = std::min(by_disk, values["max_value"]);
  const double value = std::min(RoundUp(needed), RoundDown(allowed));
  if (value < current->number * 1.25) {
    if (needed > allowed) out.Silent(kId, "the WAL disk has no room for a larger max_wal_size");
    return;
  }

  const double share = forced / all;
  Finding& finding = out.Add(kId, share >= 0.5 ? Severity::kMedium : Severity::kLow);
  Identify(finding, kId, "max_wal_size");
  const text::Short wanted = text::MemorySetting(value);
  Append(finding.title, "Raise max_wal_size from ", text::MemorySetting(current->number), " to ",
         wanted);
  Append(finding.rationale, "WAL volume forced ", text::Count(forced), " of ", text::Count(all),
         " checkpoints (", text::Percent(share), ") in ",
         text::Duration((server.now - server.wal_since) * 1e3), ", before checkpoint_timeout of ",
         text::Duration(timeout->number),
         " was over. After each checkpoint the first change of a page writes the whole page to "
         "WAL, so more "
         "checkpoints make more WAL. At the 95th percentile the server writes ",
         text::Bytes(server.wal_bytes_per_second_p95),
         " of WAL a second; times checkpoint_timeout, times 1 + "
         "checkpoint_completion_target, and a quarter on top, that is ",
         text::Bytes(needed), ".");
  if (value < needed) {
    Append(finding.rationale, " The proposal is smaller: ",
           by_disk < values["max_value"] ? "the growth may take "
                                         : "it is the largest value to be proposed, ",
           by_disk < values["max_value"] ? text::Percent(values["max_disk_share"]).view()
                                         : text::Bytes(values["max_value"]).view(),
           by_disk < values["max_value"] ? " of the free space on the WAL disk." : ".");
  }
  Append(finding.risk, "pg_wal may grow by ", text::Bytes(value - current->number),
         "; its disk has ", text::Bytes(static_cast<double>(server.wal_disk_free_bytes)),
         " free. Recovery after a crash may have to replay more WAL and takes longer.");
  finding.storage_delta_bytes = static_cast<std::int64_t>(value - current->number);
  finding.confidence = 0.9;
  finding.Add("checkpoints_by_wal", server.checkpoints_by_wal);
  finding.Add("checkpoints_timed", server.checkpoints_timed);
  finding.Add("checkpoints_requested", server.checkpoints_requested);
  finding.Add("wal_bytes_per_second_p95", server.wal_bytes_per_second_p95);
  finding.Add("checkpoint_timeout_ms", timeout->number);
  finding.Add("checkpoint_completion_target", completion->number);
  finding.Add("needed_bytes", needed);
  finding.Add("wal_disk_free_bytes", server.wal_disk_free_bytes);
  finding.action.kind = Action::Kind::kSetParameter;
  finding.action.scope = Action::Scope::kSystem;
  finding.action.object = "max_wal_size";
  finding.action.parameter = "max_wal_size";
  finding.action.value = wanted.view();
  Append(finding.action.statement, "ALTER SYSTEM SET max_wal_size = '", wanted, "'");
  Append(finding.sql, finding.action.statement, "; SELECT pg_reload_conf();");
}

}  // namespace

constinit const RuleDescriptor kMaxWalSize{
    .id = kId,
    .category = Category::kConfiguration,
    .severity = Severity::kMedium,
    .needs = Needs::kWal,
    .title = "WAL volume forces checkpoints",
    .source =
        "p95 WAL rate x checkpoint_timeout x (1 + checkpoint_completion_target) x 1.25, when at "
        "least 10 % "
        "of checkpoints are forced by WAL; PostgreSQL docs, wal-configuration",
    .params = kParams,
    .evaluate = &Evaluate};

}  // namespace assist::rules

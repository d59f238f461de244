// The analysis, phase by phase.

#include "pg/analysis/analysis.hpp"

#include <optional>
#include <string>

#include "assist/rule.hpp"
#include "assist/snapshot.hpp"
#include "pg/alert/alert.hpp"
#include "pg/forecast/capacity_forecast.hpp"
#include "pg/event/record.hpp"
#include "pg/fault.hpp"
#include "pg/history/record.hpp"
#include "pg/advise/index_advisor.hpp"
#include "pg/memory.hpp"
#include "pg/own_sql.hpp"
#include "pg/progress.hpp"
#include "pg/recommend/store.hpp"
#include "pg/regress/regress.hpp"
#include "pg/rule_settings.hpp"
#include "pg/settings.hpp"
#include "pg/snapshot/reader.hpp"
#include "pg/verify/verify.hpp"

extern "C" {
#include "access/xlog.h"           // for RecoveryInProgress
#include "catalog/pg_extension.h"  // for ExtensionRelationId
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"  // for LockTimeout
#include "tcop/utility.h"  // for PreventCommandIfReadOnly
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace assist::pg {

namespace {

constexpr int kLockWaitMs = 10000;
// Pages that confirming bloat may read in one analysis: 512 MB, which the visibility map makes
// fewer.
constexpr std::int64_t kBloatPages = 65536;

// One phase: a transaction of its own, or a fresh snapshot in the caller's.
class Phase {
 public:
  explicit Phase(bool own) : own_(own) {
    Guarded([&] {
      if (own_) {
        SetCurrentStatementStartTimestamp();
        StartTransactionCommand();
      } else {
        CommandCounterIncrement();
      }
      PushActiveSnapshot(GetTransactionSnapshot());
    });
  }
  // Not in a destructor: after an error the transaction is the caller's to end.
  void End() {
    Guarded([&] {
      PopActiveSnapshot();
      if (own_) CommitTransactionCommand();
    });
  }

 private:
  bool own_;
};

LOCKTAG analysis_lock() {
  LOCKTAG tag;
  // Of an extension that does not exist: no advisory lock, which users list, and release all at
  // once.
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, InvalidOid, 0);
  return tag;
}

void wait_for_lock() {
  const int nest_level = NewGUCNestLevel();
  if (LockTimeout == 0 || LockTimeout > kLockWaitMs)
    set_config_option("lock_timeout", "10s", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                      false);
  const LOCKTAG tag = analysis_lock();
  LockAcquire(&tag, ExclusiveLock, false, false);
  AtEOXact_GUC(true, nest_level);
}

// In the worker the lock spans transactions. False when somebody has it.
class AnalysisLock {
 public:
  explicit AnalysisLock(bool own) : own_(own) {
    try {
      Guarded([&] {
        const LOCKTAG tag = analysis_lock();
        if (own_)
          taken_ = LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
        else
          wait_for_lock();
      });
    } catch (const PgError& error) {
      if (error.sqlstate() != ERRCODE_LOCK_NOT_AVAILABLE) throw;
      throw AssistError(ERRCODE_LOCK_NOT_AVAILABLE, "another analysis of this database is running",
                        "Try again when it has ended; assist.status tells.");
    }
  }
  ~AnalysisLock() {
    if (!own_ || !taken_) return;
    try {
      Guarded([] {
        const LOCKTAG tag = analysis_lock();
        LockRelease(&tag, ExclusiveLock, true);
      });
    } catch (...) {
      // The worker's exit releases it.
    }
  }
  AnalysisLock(const AnalysisLock&) = delete;
  AnalysisLock& operator=(const AnalysisLock&) = delete;
  bool taken() const { return taken_; }

 private:
  bool own_;
  bool taken_ = true;
};

std::string Missing(Needs wanted) {
  if (!is_preloaded()) return "skipped: the library is not in shared_preload_libraries";
  if (Has(wanted, Needs::kWal)) return "skipped: WAL has not been watched long enough";
  if (Has(wanted, Needs::kProposedIndexes)) return "skipped: what-if planning is not available";
  return "skipped: not observed on this server";
}

bool IsWanted(const RuleDescriptor& rule, unsigned categories) {
  return (categories >> static_cast<unsigned>(rule.category) & 1u) != 0;
}

void Judge(const Snapshot& snapshot, const RuleChoice& choice, Needs there,
           std::string_view advisor_error, Findings& findings, RuleOutcome& outcome) {
  const RuleDescriptor& rule = *choice.rule;
  const auto missing = static_cast<Needs>(static_cast<std::uint32_t>(rule.needs) &
                                          ~static_cast<std::uint32_t>(there));
  if (missing != Needs::kNothing) {
    outcome.state = Has(missing, Needs::kProposedIndexes) && !advisor_error.empty()
                        ? "skipped: what-if planning failed: " + std::string(advisor_error)
                        : Missing(missing);
    return;
  }
  const std::size_t before = findings.items().size();
  const std::size_t silent_before = findings.silences().size();
  rule.evaluate(snapshot, ParamValues(rule.params, choice.values), findings);
  outcome.judged = true;
  outcome.findings = static_cast<int>(findings.items().size() - before);
  outcome.state = "evaluated";
  if (findings.silences().size() > silent_before && outcome.findings == 0) {
    outcome.state = "silent: ";
    outcome.state += findings.silences().back().reason;
  }
}

std::pmr::vector<RuleOutcome> EvaluateRules(const Snapshot& snapshot,
                                            std::span<const RuleChoice> choices,
                                            unsigned categories, Needs there,
                                            std::string_view advisor_error, Findings& findings) {
  std::pmr::vector<RuleOutcome> outcomes(findings.memory());
  for (const RuleChoice& choice : choices) {
    if (!IsWanted(*choice.rule, categories)) continue;
    RuleOutcome& outcome = outcomes.emplace_back();
    outcome.rule = choice.rule;
    outcome.enabled = choice.enabled;
    outcome.state = "off";
    if (choice.enabled) Judge(snapshot, choice, there, advisor_error, findings, outcome);
    Guarded([] { CHECK_FOR_INTERRUPTS(); });
  }
  return outcomes;
}

// Whether any enabled rule of these categories needs what is costly to find out.
bool AnyNeeds(std::span<const RuleChoice> choices, unsigned categories, Needs what) {
  for (const RuleChoice& choice : choices)
    if (choice.enabled && IsWanted(*choice.rule, categories) && Has(choice.rule->needs, what))
      return true;
  return false;
}

bool AnyEnabled(std::span<const RuleChoice> choices, unsigned categories, std::string_view id) {
  for (const RuleChoice& choice : choices)
    if (choice.enabled && IsWanted(*choice.rule, categories) && choice.rule->id == id) return true;
  return false;
}

// What-if planning under the statements' own roles. The text of what went wrong, empty if nothing
// did.
std::string Propose(Snapshot& snapshot) {
  ErrorData* error = TrySubtransaction([&] { ProposeIndexes(snapshot); });
  if (error == nullptr) return {};
  snapshot.proposed_indexes.clear();
  return error->message != nullptr ? error->message : "unknown error";
}

// Whoever reviews an alert and leaves the transaction open keeps nobody from the analysis: alerts
// are judged at the next visit then.
void CheckAlertsUnlessLocked() {
  ErrorData* error = TrySubtransaction([] {
    Guarded([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    CheckAlerts();
    Guarded([] { PopActiveSnapshot(); });
  });
  if (error != nullptr && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) throw PgError(error);
}

void refuse_where_read_only(const char* function) {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("cannot execute %s during recovery", function),
                    errhint("Recommendations are made on the primary and replicated from there.")));
  PreventCommandIfReadOnly(function);
}

}  // namespace

int RunAnalysis(const AnalysisRequest& request) {
  const bool own = request.own_transactions;
  if (!own)
    Guarded([&] {
      refuse_where_read_only(request.only_record ? "assist.record_history()" : "assist.refresh()");
    });
  const AnalysisLock lock(own);
  if (!lock.taken()) return -1;

  const auto record = [&](auto&& what) {
    Phase phase(own);
    {
      const OwnerScope scope;
      what();
    }
    phase.End();
  };
  const ProgressScope progress(ProgressOf::kAnalysis);
  tell_phase(ProgressPhase::kRecordingHistory);
  // In the user's transaction, which may take long to end, nothing is locked.
  if (own) record([] { EmptyRings(); });
  record([&] { RecordHistory(!own); });
  record([] { RecordEvents(); });
  record([] { FindRegressions(); });
  record([] { CheckAlertsUnlessLocked(); });
  record([] { ForecastCapacity(); });
  if (request.only_record) return 0;

  tell_phase(ProgressPhase::kReadingCatalogs);
  const ScopedContext context("assist analysis");
  ContextResource memory(context.get());
  std::optional<Snapshot> snapshot;
  std::pmr::vector<RuleChoice> choices(&memory);
  std::pmr::vector<Oid> unread(&memory);  // tables that somebody holds exclusively
  Needs there = Needs::kNothing;
  {
    Phase phase(own);
    {
      const OwnerScope scope;
      choices = ReadRuleChoices(&memory);
      there = ReadSnapshotAgain(snapshot, unread);
      Guarded([] { fault_point("read"); });
    }
    phase.End();
  }

  std::string advisor_error;
  if (Has(there, Needs::kStatements) &&
      AnyNeeds(choices, request.categories, Needs::kProposedIndexes)) {
    Phase phase(own);
    advisor_error = Propose(*snapshot);
    phase.End();
    if (advisor_error.empty()) there = there | Needs::kProposedIndexes;
  }

  tell_phase(ProgressPhase::kVerifying);
  record([&] { VerifyBuilt(*snapshot); });

  if (AnyEnabled(choices, request.categories, "table_bloat") ||
      AnyEnabled(choices, request.categories, "index_bloat")) {
    tell_phase(ProgressPhase::kMeasuringBloat);
    Phase phase(own);
    {
      const OwnerScope scope;
      ConfirmBloat(*snapshot, kBloatPages);
    }
    phase.End();
  }

  tell_phase(ProgressPhase::kJudging);
  Findings findings(&memory);
  const auto outcomes =
      EvaluateRules(*snapshot, choices, request.categories, there, advisor_error, findings);

  tell_phase(ProgressPhase::kStoring);
  Phase phase(own);
  int open = 0;
  {
    const OwnerScope scope;
    StoreFindings(*snapshot, outcomes, findings, unread);
    Guarded([] { fault_point("store"); });
    RememberSeen(*snapshot);
    RememberCounters();
    open = CountOpen();
  }
  phase.End();
  return open;
}

}  // namespace assist::pg

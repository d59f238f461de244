// The analysis of this database: snapshot, what-if planning, rules, recommendations.
#pragma once

#include "pg/guard.hpp"

namespace assist::pg {

struct AnalysisRequest {
  unsigned categories = ~0u;  // bit per assist::Category
  // True in the worker: it is in no transaction, and each phase gets one of its own, so that
  // neither a snapshot nor a lock is held longer than its phase. False in a caller's transaction.
  bool own_transactions = false;
  bool only_record = false;  // history, and nothing else
};

// Number of open recommendations; -1 when another analysis of this database is running (only with
// own_transactions; otherwise it waits 10 s for it and throws 55P03).
// Throws PgError and AssistError: 25006 on a standby or in a read-only transaction.
// Statements of users are planned under their own roles, never under the caller's or the
// extension's; what is read and written of the extension's own goes by OwnerScope.
int RunAnalysis(const AnalysisRequest& request);

}  // namespace assist::pg

// What-if planning: a statement's plan and cost with hypothetical indexes and without some existing
// ones.
//
// Nothing is executed, but planning folds immutable and estimates with stable functions. It
// therefore happens under a given role with SECURITY_RESTRICTED_OPERATION, inside a subtransaction
// that is always rolled back (locks go with it), with a short lock_timeout, after the privileges
// the executor would ask for were checked.
#pragma once

#include "pg/guard.hpp"
#include "pg/whatif/hypothetical.hpp"
#include "pg/suppress.hpp"

extern "C" {
#include "nodes/params.h"  // for ParamListInfo
}

namespace assist::pg {

inline constexpr int kWhatIfLockTimeoutMs = 100;

struct WhatIfIdentity {
  Oid userid;               // whose rights; must exist
  const char* search_path;  // nullptr = the session's
};

// Takes on the identity for the current subtransaction. ERROR 42704 when the role does not exist.
void assume_identity(const WhatIfIdentity& identity);

// For the rest of the subtransaction only pg_catalog is searched: every other name is printed
// qualified.
void search_catalog_only();

// Runs `f` (which may throw) as `identity` and undoes everything. Throws what `f` throws.
template <typename F>
void InWhatIfContext(const WhatIfIdentity& identity, F&& f) {
  CaptureSuppressed quiet;  // functions that planning runs are not the users' doing
  ErrorData* error = InDiscardedSubtransaction([&] {
    Guarded([&] { assume_identity(identity); });
    f();
  });
  if (error != nullptr) throw PgError(error);
}

// A statement after parse analysis and rewriting. Lives in the memory context it was made in.
struct AnalyzedStatement {
  const char* text;
  List* queries;         // Query*, utility statements of rules left out
  bool generic;          // has parameters without a value
  ParamListInfo params;  // values to plan with; nullptr = none
  int64 query_id;        // of a given text: the id that running it would get
};

// How a text is read.
enum class TextKind : uint8 {
  kGiven,    // one plannable statement
  kObserved  // as captured: the query inside PREPARE, DECLARE, EXPLAIN, CREATE TABLE AS and COPY is
             // meant, and a name that is no column is a variable of the procedural language that
             // ran it
};

// ERRORs: 42601 and other errors of the statement itself with their position in `text` as the
// cursor position; 22023 for anything but one plannable statement; 42501 when the role may not read
// what the statement reads. `types` are those of $1 .. (InvalidOid = not known). Locks the
// statement's tables as running it would.
AnalyzedStatement analyze_statement(const char* text, TextKind kind = TextKind::kGiven,
                                    const Oid* types = nullptr, int ntypes = 0);

struct PlannedStatement {
  double cost;  // planner units, total; the sum when rules made several queries of it
  double rows;  // of the last query
  List* plans;  // PlannedStmt*
};

// Plans it with the set's indexes in place and its hidden ones out of sight.
PlannedStatement PlanStatement(const AnalyzedStatement& statement, HypotheticalSet* set);

// EXPLAIN (FORMAT JSON) of it, hypothetical indexes under their names. palloc'ed.
char* ExplainStatement(const AnalyzedStatement& statement, const PlannedStatement& planned,
                       HypotheticalSet* set);

// HypotheticalIndex* that any of the plans scans.
List* used_indexes(const PlannedStatement& planned, const HypotheticalSet* set);

// Makes an error of analysing `text` one of the calling function: its position refers to `text`,
// and a hint says what to do if there was none.
void explain_error(ErrorData* error, const char* text, const char* hint);

}  // namespace assist::pg

// What the store keeps of a statement so that it can be planned again: its normalised text, the role and
// search_path it ran under, and the constants of one execution per plan. Never shown to anybody.
#pragma once

#include "pg/server.hpp"

namespace assist::pg {

struct StatementKey {
  Oid userid;
  Oid dbid;
  uint64 queryid;
  bool toplevel;
};

struct PlanningParam {
  Oid type;             // InvalidOid = not known
  bool known;           // false: no value was kept (keep_constants off, too long, type not built in)
  const char* literal;  // SQL text that stands for $n: the token as written ('1 day', 42), or for a bound
                        // parameter a typed literal ('2024-01-01'::date, NULL::int4)
  double held;          // share of the executions, as far as they were sampled, that had the same; 0 = not told
};

struct PlanningText {
  Oid userid;
  const char* text;         // normalised: constants and parameters are $1 .. $nparams
  const char* search_path;  // setting at the time
  int nparams;
  PlanningParam* params;    // params[n - 1] stands for $n
  uint32 samples;           // executions that `held` of all of them rests on
  bool truncated;           // the text was cut: it cannot be planned
};

// Fills `out` in the current memory context from the constants kept with `planid` (0 = the plan with the
// most time). False when the statement or its text is not in the store. May ereport (memory only).
bool read_planning_text(const StatementKey& key, uint64 planid, PlanningText* out);

}  // namespace assist::pg

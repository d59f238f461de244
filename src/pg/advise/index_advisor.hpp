// The index advisor: candidates from observed predicates, judged by the real planner on the
// observed statements, chosen so that no two of them do the same work.
#pragma once

#include "assist/snapshot.hpp"

namespace assist::pg {

// Fills snapshot.proposed_indexes from its statements and predicates. REQUIRES: a sealed snapshot
// of this database, inside a transaction. Each statement is planned under its owner in a
// restricted, discarded subtransaction; one that cannot be (role gone, rights lost, table locked,
// text cut) is left out. Bounded by a number of statements and by CPU time. Throws PgError for
// cancel and shutdown, and when it keeps running into locks.
void ProposeIndexes(Snapshot& snapshot);

}  // namespace assist::pg

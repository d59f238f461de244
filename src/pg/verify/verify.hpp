// What became of recommended indexes that somebody built.
#pragma once

#include "assist/snapshot.hpp"

namespace assist::pg {

// Finds those that are there by now, marks their recommendations as implemented, measures what
// their statements save out of history, and says so: verified, or failed where they did not help;
// these come into the snapshot. A recommendation that somebody else holds has its turn next time.
// REQUIRES: OwnerScope, active snapshot, a transaction that may write.
void VerifyBuilt(Snapshot& snapshot);

}  // namespace assist::pg

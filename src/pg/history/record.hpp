// Records what happened since the last time, and adds up what is old enough.
#pragma once

#include <cstdint>

#include "pg/guard.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace assist::pg {

// Empties the partitions whose turn it is again and that nobody has open, in a transaction of its
// own: they stay locked until its end. REQUIRES: as below. Throws PgError.
void EmptyRings();

// `always`: also when the last record is younger than a period of the finest tier.
// REQUIRES: an OwnerScope, a transaction with an active snapshot, and the analysis lock. Throws
// PgError.
void RecordHistory(bool always);

// Deletes what ended before a moment, and objects not seen since; how many blocks that were. Throws
// PgError.
std::int64_t ForgetHistory(TimestampTz before);

}  // namespace assist::pg

// Confirming estimated bloat by pgstattuple.

#include "pg/own_sql.hpp"
#include "pg/snapshot_reader.hpp"

namespace assist::pg {

void ConfirmBloat(Snapshot&, std::int64_t) {}

}  // namespace assist::pg

// Rights of readers.

#include "pg/row_sink.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
}

namespace assist::pg {

bool reads_all_stats() { return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS); }

}  // namespace assist::pg

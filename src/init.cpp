// Where the library starts: the only file that knows every part.

#include "pg/server.hpp"

extern "C" {
#include "fmgr.h"
#include "miscadmin.h"

PG_MODULE_MAGIC;
void _PG_init(void);
}

void _PG_init(void) {
}

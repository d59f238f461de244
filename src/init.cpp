// Where the library starts: the only file that knows every part.

#include "capture/capture.hpp"
#include "pg/event/ring.hpp"
#include "pg/settings.hpp"
#include "pg/store/store.hpp"
#include "worker/collector.hpp"
#include "worker/launcher.hpp"

extern "C" {
#include "fmgr.h"
#include "miscadmin.h"

PG_MODULE_MAGIC;
void _PG_init(void);
}

void _PG_init(void) {
  assist::pg::define_settings();
  // Without preload the functions of the pure core work; the others say what to do.
  if (!process_shared_preload_libraries_in_progress) return;
  if (IsBinaryUpgrade) return;
  EnableQueryId();
  assist::pg::install_shmem_hooks();
  assist::pg::install_event_ring();
  assist::capture::install_hooks();
  assist::worker::register_collector();
  assist::worker::register_launcher();
}

// The collector: moves what the backends' slots gained into the central store.
#pragma once

namespace assist::worker {

// Called from _PG_init.
void register_collector();

}  // namespace assist::worker

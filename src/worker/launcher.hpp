// The launcher: sends analysts to the databases.
#pragma once

namespace assist::worker {

// Called from _PG_init.
void register_launcher();

}  // namespace assist::worker

// What this server may use of the machine.
#pragma once

#include <cstdint>

namespace assist::pg {

// Bytes: the smallest of MemTotal and the limits of the control groups (v2 memory.max, v1
// memory.limit_in_bytes) the server runs in; 0 = unknown.
std::int64_t MachineMemory();
// Processors: the smallest of those online, the affinity mask and the groups' quota, rounded up; 0
// = unknown.
std::int32_t MachineCpus();

}  // namespace assist::pg

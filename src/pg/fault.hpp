// Faults for tests. In a build with FAULTS=1 the file assist_fault in the data directory, "POINT ACTION AFTER",
// makes a process that has passed POINT so many times kill, stop or fail itself there. Otherwise these are
// nothing at all.
#pragma once

namespace assist::pg {

#ifdef ASSIST_FAULTS
// Actions kill, segv, stop and error (ERROR 58030) happen here; the first three once for all processes.
void fault_point(const char* point);
// Action fail: true once, and the file is gone, for the caller to behave as if its operation had failed.
bool fault_fails(const char* point);
#else
inline void fault_point(const char*) {}
inline bool fault_fails(const char*) { return false; }
#endif

}  // namespace assist::pg

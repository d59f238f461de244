// Who waits for whom, as trees: who waits for nobody is a root.
#pragma once

#include <cstdint>
#include <vector>

namespace assist {

// A process that waits for a lock, or is waited for.
struct LockNode {
  int pid;                      // 0 = a prepared transaction
  std::int64_t since;           // when its wait began, microseconds; 0 = it does not wait
  std::vector<int> blocked_by;  // pids; the first one decides under whom it stands
};

struct LockPlace {
  std::size_t node;             // index into the nodes
  int depth;                    // 0 = root
  std::vector<int> path;        // pids from the root to the node itself
};

// The nodes in the order of reading: each under what blocks it, roots and those under one node by how long they (or who
// waits below a root) have waited, the longest first. Each node stands once. Those that wait for each other in a circle
// stand under the one with the smallest pid. REQUIRES: pids are distinct; a pid in blocked_by that is no node counts as
// none. Linear in the edges but for sorting: a node has one place, however many ways lead to it.
std::vector<LockPlace> ArrangeLocks(const std::vector<LockNode>& nodes);

}  // namespace assist

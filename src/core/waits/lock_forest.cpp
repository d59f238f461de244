// Trees of who waits for whom.

#include "assist/lock_forest.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace assist {

namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

using Parents = std::vector<std::size_t>;

Parents FindParents(const std::vector<LockNode>& nodes) {
  std::unordered_map<int, std::size_t> index;
  for (std::size_t i = 0; i < nodes.size(); ++i) index.emplace(nodes[i].pid, i);
  Parents parents(nodes.size(), kNone);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const int pid : nodes[i].blocked_by) {
      const auto found = index.find(pid);
      if (found == index.end() || found->second == i) continue;
      parents[i] = found->second;
      break;
    }
  }
  return parents;
}

// Makes the member with the smallest pid of each circle a root.
void OpenCircles(const std::vector<LockNode>& nodes, Parents* parents) {
  std::vector<std::size_t> seen_from(nodes.size(), kNone);  // the start of the walk that came by
  for (std::size_t start = 0; start < nodes.size(); ++start) {
    std::size_t at = start;
    while (at != kNone && seen_from[at] == kNone) {
      seen_from[at] = start;
      at = (*parents)[at];
    }
    if (at == kNone || seen_from[at] != start) continue;
    std::size_t least = at;
    for (std::size_t i = (*parents)[at]; i != at; i = (*parents)[i])
      if (nodes[i].pid < nodes[least].pid) least = i;
    (*parents)[least] = kNone;
  }
}

}  // namespace

std::vector<LockPlace> ArrangeLocks(const std::vector<LockNode>& nodes) {
  Parents parents = FindParents(nodes);
  OpenCircles(nodes, &parents);
  std::vector<std::vector<std::size_t>> below(nodes.size());
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < nodes.size(); ++i) (parents[i] == kNone ? roots : below[parents[i]]).push_back(i);

  const auto began = [&](std::size_t i) { return nodes[i].since != 0 ? nodes[i].since : kNever; };
  std::vector<std::int64_t> oldest(nodes.size());  // wait of a node, of a root that of those right below it
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    oldest[i] = began(i);
    if (parents[i] == kNone)
      for (const std::size_t child : below[i]) oldest[i] = std::min(oldest[i], began(child));
  }
  const auto longest_first = [&](std::size_t a, std::size_t b) {
    return oldest[a] != oldest[b] ? oldest[a] < oldest[b] : nodes[a].pid < nodes[b].pid;
  };
  std::sort(roots.begin(), roots.end(), longest_first);
  for (std::vector<std::size_t>& children : below) std::sort(children.begin(), children.end(), longest_first);

  std::vector<LockPlace> places;
  places.reserve(nodes.size());
  // Without recursion: a queue of a thousand can be as deep as that.
  std::vector<LockPlace> todo;
  for (auto root = roots.rbegin(); root != roots.rend(); ++root) todo.push_back({*root, 0, {nodes[*root].pid}});
  while (!todo.empty()) {
    LockPlace place = std::move(todo.back());
    todo.pop_back();
    const std::vector<std::size_t>& children = below[place.node];
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
      LockPlace next = {*child, place.depth + 1, place.path};
      next.path.push_back(nodes[*child].pid);
      todo.push_back(std::move(next));
    }
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace assist

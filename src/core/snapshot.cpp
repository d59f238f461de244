#include "assist/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace assist {
namespace {

template <typename T>
const T* FindByOid(const std::pmr::vector<T>& items, Oid oid) {
  const auto found = std::lower_bound(items.begin(), items.end(), oid,
                                      [](const T& item, Oid wanted) { return item.oid < wanted; });
  return found != items.end() && found->oid == oid ? &*found : nullptr;
}

}  // namespace

std::string_view Snapshot::Intern(std::string_view text) {
  if (text.empty()) return {};
  char* copy = static_cast<char*>(arena_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

const Table* Snapshot::FindTable(Oid oid) const { return FindByOid(tables, oid); }
const Index* Snapshot::FindIndex(Oid oid) const { return FindByOid(indexes, oid); }

const Setting* Snapshot::FindSetting(std::string_view name) const {
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  return found != settings.end() ? &*found : nullptr;
}

void Snapshot::Seal() {
  const auto by_oid = [](const auto& a, const auto& b) { return a.oid < b.oid; };
  std::sort(tables.begin(), tables.end(), by_oid);
  std::sort(indexes.begin(), indexes.end(), by_oid);
  by_table_.resize(indexes.size());
  std::iota(by_table_.begin(), by_table_.end(), 0u);
  std::stable_sort(by_table_.begin(), by_table_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return indexes[a].table < indexes[b].table;
  });
}

std::size_t Snapshot::FirstIndexOf(Oid table) const {
  const auto first = std::lower_bound(
      by_table_.begin(), by_table_.end(), table,
      [&](std::uint32_t position, Oid wanted) { return indexes[position].table < wanted; });
  return static_cast<std::size_t>(first - by_table_.begin());
}

}  // namespace assist

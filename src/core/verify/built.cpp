// Which index is the recommended one, whoever built it and whatever it is called.

#include <algorithm>

#include "assist/verify.hpp"
#include "core/rule_support.hpp"

namespace assist {

namespace {

// The text of a definition taken apart; the parts point into it.
class Parts {
 public:
  explicit Parts(std::string_view definition) {
    const std::string_view rest = rules::BehindUsing(definition);
    const std::string_view list = rules::KeyList(definition);
    if (rest.empty() || list.empty()) return;
    method = rest.substr(0, rest.find(' '));
    keys = Inside(list);
    std::string_view tail = rest.substr(rest.find(list) + list.size());
    constexpr std::string_view kInclude = " INCLUDE ", kWhere = " WHERE ";
    if (tail.starts_with(kInclude)) {
      tail.remove_prefix(kInclude.size() - 1);
      const std::string_view columns = rules::KeyList(tail);
      included = Inside(columns);
      tail = tail.substr(tail.find(columns) + columns.size());
    }
    if (const std::size_t at = tail.find(kWhere); at != std::string_view::npos)
      where = tail.substr(at + kWhere.size());
  }

  static bool Has(std::string_view list, std::string_view item) {
    return !rules::EachItem(list, [&](std::string_view each) { return each != item; });
  }

  // The lists without parentheses, as the server spells them: a, b DESC
  std::string_view method, keys, included, where;

 private:
  static std::string_view Inside(std::string_view list) {
    return list.size() < 2 ? std::string_view() : list.substr(1, list.size() - 2);
  }
};

bool Serves(const Parts& built, const Parts& wanted) {
  if (wanted.method.empty() || built.method != wanted.method) return false;
  if (!built.where.empty() && built.where != wanted.where) return false;
  const bool first = built.keys == wanted.keys ||
                     (wanted.method == "btree" && built.keys.starts_with(wanted.keys) &&
                      built.keys.substr(wanted.keys.size()).starts_with(", "));
  return first && rules::EachItem(wanted.included, [&](std::string_view column) {
           return Parts::Has(built.included, column) || Parts::Has(built.keys, column);
         });
}

}  // namespace

const Index* FindBuilt(const Snapshot& snapshot, Oid table, std::string_view definition) {
  const Parts wanted(definition);
  const Index* found = nullptr;
  snapshot.ForEachIndexOf(table, [&](const Index& index) {
    if (!rules::IsLive(index) || !Serves(Parts(index.definition), wanted)) return;
    // Of several the one that is most like it.
    if (found == nullptr || index.definition.size() < found->definition.size()) found = &index;
  });
  return found;
}

}  // namespace assist

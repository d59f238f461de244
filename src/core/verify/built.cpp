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

  // Calls f with each item of a list, until it says false. Whether it never did.
  template <typename F>
  static bool Each(std::string_view list, F&& f) {
    while (!list.empty()) {
      const std::size_t end = EndOfFirst(list);
      if (!f(list.substr(0, end))) return false;
      list.remove_prefix(std::min(list.size(), end + 2));
    }
    return true;
  }

  static bool Has(std::string_view list, std::string_view item) {
    return !Each(list, [&](std::string_view each) { return each != item; });
  }

  // The lists without parentheses, as the server spells them: a, b DESC
  std::string_view method, keys, included, where;

 private:
  static std::string_view Inside(std::string_view list) {
    return list.size() < 2 ? std::string_view() : list.substr(1, list.size() - 2);
  }

  // Of a list's first item: up to a comma outside of parentheses and quotes.
  static std::size_t EndOfFirst(std::string_view list) {
    int depth = 0;
    char quote = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const char c = list[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
        continue;
      }
      if (c == '\'' || c == '"') quote = c;
      if (c == '(' || c == '[') ++depth;
      if (c == ')' || c == ']') --depth;
      if (c == ',' && depth == 0) return i;
    }
    return list.size();
  }
};

bool Serves(const Parts& built, const Parts& wanted) {
  if (wanted.method.empty() || built.method != wanted.method) return false;
  if (!built.where.empty() && built.where != wanted.where) return false;
  const bool first = built.keys == wanted.keys ||
                     (wanted.method == "btree" && built.keys.starts_with(wanted.keys) &&
                      built.keys.substr(wanted.keys.size()).starts_with(", "));
  return first && Parts::Each(wanted.included, [&](std::string_view column) {
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

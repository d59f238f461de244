// What becomes of existing indexes when a candidate is built.
#include "core/advise/redundant.hpp"

#include <algorithm>

#include "core/rule_support.hpp"
#include "core/text/text.hpp"

namespace assist::advise {

bool DoesWorkOf(const Candidate& candidate, const Index& index) {
  if (index.table != candidate.table || candidate.method != Method::kBtree ||
      index.method != "btree" || !index.valid)
    return false;
  if (!rules::IsDroppable(index)) return false;
  if (!candidate.predicate.empty() && index.predicate != candidate.predicate) return false;
  if (index.keys.size() > candidate.keys.size()) return false;
  // The definition names an operator class only where it is not the default.
  if (index.definition.find("_ops") != std::string_view::npos) return false;
  for (std::size_t i = 0; i < index.keys.size(); ++i) {
    const IndexKey& key = index.keys[i];
    const CandidateKey& other = candidate.keys[i];
    const bool same = key.column == other.column &&
                      (key.column != 0 || text::SameExpression(key.expression, other.text));
    if (!same || !other.opclass.empty() || ((key.option & 1) != 0) != other.descending ||
        ((key.option & 2) != 0) != other.nulls_first)
      return false;
  }
  return std::all_of(index.included.begin(), index.included.end(), [&](std::int16_t column) {
    const auto same = [&](const CandidateKey& key) { return key.column == column; };
    return std::any_of(candidate.keys.begin(), candidate.keys.end(), same) ||
           std::any_of(candidate.included.begin(), candidate.included.end(), same);
  });
}

}  // namespace assist::advise

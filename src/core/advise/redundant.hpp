// What becomes of existing indexes when a candidate is built.
#pragma once

#include "core/advise/candidates.hpp"

namespace assist::advise {

// Whether the existing index could go once the candidate is there: a plain b-tree whose columns
// begin the candidate's, in the same order and directions, that enforces nothing.
bool DoesWorkOf(const Candidate& candidate, const Index& index);

}  // namespace assist::advise

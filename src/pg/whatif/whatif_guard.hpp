// Functions that planning would run, and whose rights they would get.
//
// Replanning an observed statement folds immutable functions under the statement owner's user id.
// Where a superuser once called a function of somebody with fewer rights, that somebody may have
// changed it since; so the advisor plans no statement in which a function would run with more
// rights than its owner's.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"  // for Node
}

namespace assist::pg {

// ERROR 42501 when a function of the query or expression (operators' and casts' included) belongs
// to a role with fewer rights than the current user and would run as that user.
void check_function_owners(Node* node);

// While it lives, the executor refuses such functions too: those that inlining or another function
// brings.
class OwnedFunctionsOnly {
 public:
  OwnedFunctionsOnly() noexcept;
  ~OwnedFunctionsOnly();
  OwnedFunctionsOnly(const OwnedFunctionsOnly&) = delete;
  OwnedFunctionsOnly& operator=(const OwnedFunctionsOnly&) = delete;
};

}  // namespace assist::pg

// Functions that planning would run, and whose rights they would get.

#include "pg/whatif/whatif_guard.hpp"

extern "C" {
#include "access/htup_details.h"  // for GETSTRUCT
#include "access/transam.h"       // for FirstNormalObjectId
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace assist::pg {

namespace {

constinit int depth = 0;
constinit bool installed = false;
constinit object_access_hook_type previous = nullptr;

bool gains_rights(Oid function) {
  if (function < FirstNormalObjectId) return false;
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  auto form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  const Oid owner = form->proowner;
  const bool definer = form->prosecdef;
  ReleaseSysCache(tuple);
  return !definer && !superuser_arg(owner) && !has_privs_of_role(owner, GetUserId());
}

void check_owner(Oid function) {
  if (gains_rights(function))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("function %s would run with more rights than its owner has",
                           get_func_name(function))));
}

bool check_one(Oid function, void*) {
  check_owner(function);
  return false;
}

bool walk(Node* node, void* context) {
  if (node == nullptr) return false;
  check_functions_in_node(node, check_one, context);
  if (IsA(node, Query))
    return query_tree_walker(reinterpret_cast<Query*>(node), ASSIST_WALKER(walk), context, 0);
  return expression_tree_walker(node, ASSIST_WALKER(walk), context);
}

void access_hook(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void* arg) {
  if (previous != nullptr) previous(access, class_id, object, sub_id, arg);
  if (depth > 0 && access == OAT_FUNCTION_EXECUTE && class_id == ProcedureRelationId)
    check_owner(object);
}

}  // namespace

void check_function_owners(Node* node) { walk(node, nullptr); }

OwnedFunctionsOnly::OwnedFunctionsOnly() noexcept {
  if (!installed) {
    installed = true;
    previous = object_access_hook;
    object_access_hook = access_hook;
  }
  ++depth;
}

OwnedFunctionsOnly::~OwnedFunctionsOnly() { --depth; }

}  // namespace assist::pg

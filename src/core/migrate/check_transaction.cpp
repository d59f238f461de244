// Transactions: where they begin and end, the timeouts in them, what is refused inside, and what is
// slow while a lock is held.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckTransaction(const Statement& s) {
  switch (s.kind) {
    case StatementKind::kBegin:
      if (in_transaction_) {
        Add("nested_transaction", s, nullptr, "", -1,
            "A transaction is open already: the server warns and does nothing, and the next COMMIT "
            "ends the outer one.");
        return;
      }
      in_transaction_ = true;
      ++transaction_;
      begin_ = &s;
      held_.clear();
      told_many_locks_ = false;
      new_enum_values_.clear();
      outer_lock_timeout_ = lock_timeout_;
      outer_statement_timeout_ = statement_timeout_;
      return;
    case StatementKind::kCommit:
    case StatementKind::kRollback:
      if (!in_transaction_) return;
      in_transaction_ = false;
      begin_ = nullptr;
      held_.clear();
      new_enum_values_.clear();
      lock_timeout_ = outer_lock_timeout_;
      statement_timeout_ = outer_statement_timeout_;
      return;
    case StatementKind::kSet: {
      if (s.local && !in_transaction_) return;  // has no effect there
      const bool all = s.name.empty();
      if (all || s.name == "lock_timeout") {
        lock_timeout_ = s.resets ? database_.lock_timeout_ms : s.value;
        if (!s.local) outer_lock_timeout_ = lock_timeout_;
      }
      if (all || s.name == "statement_timeout") {
        statement_timeout_ = s.resets ? database_.statement_timeout_ms : s.value;
        if (!s.local) outer_statement_timeout_ = statement_timeout_;
      }
      return;
    }
    default:
      return;
  }
}

// Refused in a transaction block, and slow while an earlier statement's lock is held.
void Checker::CheckInsideTransaction(const Statement& s) {
  if (!in_transaction_) return;
  const bool detach = s.kind == StatementKind::kAlterTable &&
                      std::any_of(s.commands.begin(), s.commands.end(), [](const AlterCommand& c) {
                        return c.op == AlterOp::kDetachPartition && c.concurrently;
                      });
  const bool index = (s.kind == StatementKind::kCreateIndex || s.kind == StatementKind::kDrop ||
                      s.kind == StatementKind::kReindex) &&
                     s.concurrently;
  const bool cluster_all = s.kind == StatementKind::kCluster && s.objects.empty();
  const bool reindex_all =
      s.kind == StatementKind::kReindex &&
      (s.object_type == ObjectType::kSchema || s.object_type == ObjectType::kDatabase);
  const bool drop_database =
      s.kind == StatementKind::kDrop && s.object_type == ObjectType::kDatabase;
  if (detach || index || cluster_all || reindex_all || drop_database ||
      s.kind == StatementKind::kVacuum || s.kind == StatementKind::kVacuumFull ||
      s.kind == StatementKind::kOutsideTransaction) {
    const Object* object = Target(s);
    Hazard& hazard = Add("concurrently_in_transaction", s, object, "", -1,
                         "The statement fails with 25001 (active_sql_transaction): it cannot run "
                         "in a transaction block. Put "
                         "it behind COMMIT, in a script that is not run with psql -1.");
    if (index && object != nullptr) hazard.safe = Join(s.source, ";\n");
    return;
  }
  // What is slow.
  double ms = 0;
  Object* object = Target(s);
  if (object != nullptr && !object->quiet()) {
    if (s.kind == StatementKind::kCreateIndex || s.kind == StatementKind::kReindex)
      ms = BuildMs(*object);
    if (s.kind == StatementKind::kRefresh) ms = RewriteMs(*object);
    if ((s.kind == StatementKind::kUpdate || s.kind == StatementKind::kDelete) && !s.where)
      ms = RewriteMs(*object);
    if (s.kind == StatementKind::kAlterTable)
      for (const AlterCommand& c : s.commands) {
        if (c.op == AlterOp::kValidateConstraint && Added(*object, c.name) == nullptr)
          ms = std::max(ms, ScanMs(*object));
        if (c.op == AlterOp::kAlterType && c.change.known && c.change.rewrite)
          ms = std::max(ms, RewriteMs(*object));
      }
  }
  if (ms < kSlowMs || held_.empty()) return;
  Text names;
  const Object* other = nullptr;
  for (const HeldLock& held : held_) {
    if (held.object == object) continue;
    other = held.object;
    if (!names.empty()) names += ", ";
    text::Append(names, held.lock, " on ", held.object->qualified, " since statement ",
                 text::Integer(held.statement));
  }
  if (other == nullptr) return;
  const Text lock = held_.front().lock;
  Hazard& hazard =
      Add("lock_held_during_slow_statement", s, other, lock, ms,
          Join("While this statement runs, the transaction holds ", names, ": commit before it."));
  hazard.severity = Severity::kHigh;
}

void Checker::CheckEnum(const Statement& s) {
  if (s.kind == StatementKind::kAddEnumValue) {
    const bool type_is_new =
        std::any_of(script_.begin(), script_.end(), [&](const Statement& other) {
          return other.kind == StatementKind::kCreateType && other.number < s.number &&
                 !other.objects.empty() && other.objects[0].name == s.objects[0].name;
        });
    if (in_transaction_ && !type_is_new) new_enum_values_[s.name] = s.objects[0];
    return;
  }
  if (!in_transaction_ || new_enum_values_.empty()) return;
  for (const Text& word : s.words) {
    const auto found = new_enum_values_.find(word);
    if (found == new_enum_values_.end()) continue;
    Text literal;
    text::AppendLiteral(literal, word);
    Hazard& hazard =
        Add("enum_value_used_in_same_txn", s, nullptr, "", -1,
            Join("The statement fails with 55P04 (unsafe_new_enum_value_usage) if ", literal,
                 " here is the value that this transaction added to the enum: commit that first."));
    text::AppendQualified(hazard.object, found->second.schema, found->second.name);
    return;
  }
}

}  // namespace assist::check

// ALTER TABLE: each command goes to its family; the lock of the strongest is what the statement
// holds.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {

void Checker::CheckAlterTable(const Statement& s) {
  Object* table = Target(s);
  if (table == nullptr) return;
  if (s.object_type != ObjectType::kTable && s.object_type != ObjectType::kMaterializedView) return;
  std::string_view lock;
  double ms = kInstant;
  const std::size_t before = hazards_.size();
  for (const AlterCommand& c : s.commands) {
    std::string_view own = kAccessExclusiveLock;
    switch (c.op) {
      case AlterOp::kAddColumn:
      case AlterOp::kDropColumn:
      case AlterOp::kAlterType:
      case AlterOp::kSetNotNull:
      case AlterOp::kDropNotNull:
      case AlterOp::kAddIdentity:
        CheckColumn(s, *table, c);
        break;
      case AlterOp::kAddConstraint:
        if (c.constraint.kind == ConstraintKind::kForeignKey) own = kShareRowExclusiveLock;
        CheckConstraint(s, *table, c);
        break;
      case AlterOp::kValidateConstraint:
        own = kShareUpdateLock;
        CheckConstraint(s, *table, c);
        break;
      case AlterOp::kDropConstraint:
        CheckConstraint(s, *table, c);
        break;
      case AlterOp::kAttachPartition:
        own = kShareUpdateLock;
        CheckPartition(s, *table, c);
        break;
      case AlterOp::kDetachPartition:
        if (c.concurrently) own = kShareUpdateLock;
        CheckPartition(s, *table, c);
        break;
      case AlterOp::kSetLogged:
      case AlterOp::kSetUnlogged:
      case AlterOp::kSetTablespace:
      case AlterOp::kSetAccessMethod: {
        const bool unlogged = c.op == AlterOp::kSetUnlogged;
        const bool changes = table->facts != nullptr && (c.op == AlterOp::kSetTablespace ||
                                                         c.op == AlterOp::kSetAccessMethod ||
                                                         table->facts->unlogged != unlogged);
        if (unlogged && changes && !table->created && !table->facts->temporary)
          Add("set_unlogged", s, table, "", -1,
              Join("After a crash of the server ", table->qualified,
                   " is empty, and standbys do not have its rows."));
        if (!table->quiet() && changes)
          Add("table_rewrite_command", s, table, kAccessExclusiveLock, RewriteMs(*table),
              Join("This writes all of ", table->qualified,
                   " anew, while nobody can read or write it."));
        break;
      }
      case AlterOp::kDisableTrigger:
        own = kShareRowExclusiveLock;
        if (table->facts != nullptr && !table->created)
          Add("disable_triggers", s, table, "", -1,
              c.name.empty() ? Join("Until they are enabled again, triggers of ", table->qualified,
                                    " do not fire for anybody. With ALL that includes foreign "
                                    "keys: rows that come in that "
                                    "time are never checked.")
                             : Join("Until it is enabled again, trigger ", Quoted(c.name), " of ",
                                    table->qualified,
                                    " does not fire for anybody, in this session or another."));
        break;
      case AlterOp::kLight:
        own = kShareUpdateLock;
        break;
      case AlterOp::kReplicaIdentity:
      case AlterOp::kRowSecurity:
      case AlterOp::kBrief:
        break;
    }
    if (LockRank(own) > LockRank(lock)) lock = own;
  }
  for (std::size_t i = before; i < hazards_.size(); ++i)
    if (hazards_[i].object == table->qualified && hazards_[i].lock == lock)
      ms = std::max(ms, hazards_[i].ms);
  Take(s, *table, lock, ms);
}

void Checker::Take(const Statement& s, Object& object, std::string_view lock, double ms) {
  if (object.quiet() || LockRank(lock) < LockRank(kShareLock)) return;
  if (lock_timeout_ == 0 && statement_timeout_ == 0 && !told_lock_timeout_) {
    told_lock_timeout_ = true;
    Hazard& hazard = Add(
        "missing_lock_timeout", s, &object, lock, ms,
        Join("Where this has to wait for its lock, all later statements on ", object.qualified,
             " wait behind it, for as long as the slowest transaction takes. A lock_timeout gives "
             "up instead, to be tried again. Put this before it."));
    hazard.safe = kSetTimeout;
  }
  if (!in_transaction_) return;
  for (HeldLock& held : held_) {
    if (held.object != &object) continue;
    if (LockRank(lock) > LockRank(held.lock)) held.lock = lock;
    return;
  }
  held_.push_back({&object, Text(lock), s.number});
  constexpr std::size_t kMany = 3;
  if (held_.size() < kMany || told_many_locks_) return;
  told_many_locks_ = true;
  Text names;
  for (const HeldLock& held : held_) {
    if (!names.empty()) names += ", ";
    text::Append(names, held.object->qualified, " (", held.lock, ", statement ",
                 text::Integer(held.statement), ")");
  }
  Hazard& hazard = Add(
      "lock_held_during_slow_statement", s, &object, lock, -1,
      Join(
          "The transaction holds locks on several relations that are in use until it ends: ", names,
          ". While it waits for the next one, all of them are blocked; and in another order than "
          "that of other transactions it ends in a deadlock. One transaction for each is safer."));
  hazard.severity = Severity::kMedium;
}

}  // namespace assist::check

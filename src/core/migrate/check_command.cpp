// Commands that lock or rewrite a whole relation, and what runs text that was not checked.

#include <algorithm>

#include "core/migrate/check.hpp"

namespace assist::check {
namespace {

// Meta-commands that run or connect to something else; the others show, set or ask.
bool RunsUnseen(std::string_view name) {
  constexpr std::string_view kRunning[] = {"i",     "ir",   "include", "include_relative",
                                           "gexec", "copy", "c",       "connect",
                                           "!",     "o",    "watch",   "if",
                                           "elif",  "else"};
  return std::find(std::begin(kRunning), std::end(kRunning), name) != std::end(kRunning);
}

}  // namespace

void Checker::CheckCommand(const Statement& s) {
  switch (s.kind) {
    case StatementKind::kMeta:
      if (RunsUnseen(s.name)) {
        Hazard& hazard =
            Add("opaque_dynamic_sql", s, nullptr, "", -1,
                Join("\\", s.name,
                     " is a command of psql: it is not run here, and what it runs, or leaves out, "
                     "was not checked."));
        hazard.object = Join("\\", s.name);
      }
      return;
    case StatementKind::kDo:
      if (s.opaque)
        Add("opaque_dynamic_sql", s, nullptr, "", -1,
            "The block has DDL, or builds statements, inside: they were not checked.");
      return;
    case StatementKind::kVacuumFull:
    case StatementKind::kCluster: {
      if (s.objects.empty()) {
        Hazard& hazard =
            Add("table_rewrite_command", s, nullptr, "", -1,
                Join(s.command,
                     " without a table writes every table that it may anew, each while nobody can "
                     "read or write it."));
        hazard.lock = kAccessExclusiveLock;
        hazard.blocks = Blocks::kReadsAndWrites;
        return;
      }
      for (const ObjectName& name : s.objects) {
        Object* table = Resolve(s, name);
        if (table == nullptr || table->quiet()) continue;
        Hazard& hazard = Add(
            "table_rewrite_command", s, table, kAccessExclusiveLock, RewriteMs(*table),
            Join(s.command,
                 " writes the table and its indexes anew, while nobody can read or write it, and "
                 "takes their size on disk once more. pg_repack does the same beside running "
                 "traffic."));
        if (s.kind == StatementKind::kVacuumFull)
          hazard.safe = Join("VACUUM (ANALYZE) ", table->qualified, ";\n");
        Take(s, *table, kAccessExclusiveLock, hazard.ms);
      }
      return;
    }
    case StatementKind::kRefresh: {
      Object* view = Target(s);
      if (view == nullptr || view->quiet() || s.concurrently) return;
      Hazard& hazard =
          Add("refresh_matview_blocking", s, view, kAccessExclusiveLock, RewriteMs(*view),
              Join("Nobody can read ", view->qualified,
                   " while its query runs, which takes as long as that, and writes the result."));
      hazard.severity = Severity::kMedium;
      const bool unique = std::any_of(
          view->facts->indexes.begin(), view->facts->indexes.end(), [](const IndexFact& index) {
            return index.unique && index.valid && !index.partial &&
                   std::none_of(index.keys.begin(), index.keys.end(),
                                [](const Text& key) { return key.empty(); });
          });
      if (unique)
        hazard.safe = Join(s.concurrent, ";\n");
      else
        Say(hazard.explanation,
            "CONCURRENTLY spares that, and needs a unique index on columns of it, which it has "
            "not.");
      Take(s, *view, kAccessExclusiveLock, hazard.ms);
      return;
    }
    case StatementKind::kLock:
      for (const ObjectName& name : s.objects) {
        Object* table = Resolve(s, name);
        if (table == nullptr || table->quiet() || LockRank(s.lock_mode) < LockRank(kShareLock))
          continue;
        Hazard& hazard =
            Add("explicit_lock", s, table, s.lock_mode, -1,
                Join("The lock is held until the transaction ends, whatever that takes."));
        hazard.severity = Severity::kMedium;
        Take(s, *table, s.lock_mode, kInstant);
      }
      return;
    case StatementKind::kCreateTrigger: {
      Object* table = Target(s);
      if (table != nullptr) Take(s, *table, kShareRowExclusiveLock, kInstant);
      return;
    }
    case StatementKind::kCreateView:
      // OR REPLACE keeps what is known of one that is there.
      if (Target(s) == nullptr && !s.objects.empty()) Create(s, s.objects[0]);
      return;
    default:
      return;
  }
}

}  // namespace assist::check

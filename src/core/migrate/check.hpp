// What the families of hazards share: the state of the database as the script has left it so far,
// the locks its transaction holds, and how a hazard is put into words.
#pragma once

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "assist/migration_check.hpp"
#include "core/text/text.hpp"

namespace assist::check {

inline constexpr std::string_view kAccessExclusiveLock = "ACCESS EXCLUSIVE";
inline constexpr std::string_view kShareRowExclusiveLock = "SHARE ROW EXCLUSIVE";
inline constexpr std::string_view kShareLock = "SHARE";
inline constexpr std::string_view kShareUpdateLock = "SHARE UPDATE EXCLUSIVE";
inline constexpr std::string_view kExclusiveLock = "EXCLUSIVE";
inline constexpr double kInstant = 10;   // ms: a change of catalogs
inline constexpr double kSlowMs = 1000;  // a statement that others notice when it holds a lock

// 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE); 0 = no mode of that name.
int LockRank(std::string_view mode);
bool LocksConflict(std::string_view held, std::string_view wanted);
Blocks BlockedBy(std::string_view lock);

// A constraint that the script added.
struct AddedConstraint {
  ConstraintSpec spec;
  bool validated = false;
  std::int32_t transaction = 0;
};

// A relation as the script sees it: what the catalogs say, and what the script did since.
struct Object {
  Text schema, name, qualified;
  const Relation* facts = nullptr;
  bool created = false;  // by this script
  bool dropped = false;
  ObjectName table;     // of an index that the script created
  bool unique = false;  // such an index
  List<Text> keys;      // of it
  List<AddedConstraint> added;
  std::set<Text> added_columns, not_null;

  // Nobody waits for it: new, temporary, without a row, or with its rows elsewhere.
  bool quiet() const {
    return facts == nullptr || created || facts->temporary || facts->empty || facts->kind == 'f';
  }
  bool is_partitioned() const {
    return facts != nullptr && (facts->kind == 'p' || facts->kind == 'I');
  }
};

class Checker {
 public:
  Checker(std::span<const Statement> script, const Database& database)
      : script_(script), database_(database) {}
  List<Hazard> Run();

 private:
  // One per family, in a file of its own; each looks at the statements that concern it.
  void CheckIndex(const Statement& s);                                         // check_index.cpp
  void CheckAlterTable(const Statement& s);                                    // check_table.cpp
  void CheckColumn(const Statement& s, Object& table, const AlterCommand& c);  // check_column.cpp
  void CheckConstraint(const Statement& s, Object& table,
                       const AlterCommand& c);  // check_constraint.cpp
  void CheckPartition(const Statement& s, Object& table,
                      const AlterCommand& c);  // check_partition.cpp
  void CheckCreateTable(const Statement& s);   // check_design.cpp
  void CheckDesign();                          // what only the whole script shows
  void CheckDomain(const Statement& s);        // check_constraint.cpp
  void CheckCommand(
      const Statement& s);  // check_command.cpp: VACUUM FULL, CLUSTER, REFRESH, LOCK ...
  void CheckDestructive(const Statement& s);  // check_destructive.cpp: DROP, TRUNCATE
  void CheckData(const Statement& s);         // check_data.cpp: UPDATE, DELETE
  void CheckRename(const Statement& s);       // check_rename.cpp
  void CheckTransaction(const Statement& s);  // check_transaction.cpp
  void CheckEnum(const Statement& s);
  void CheckInsideTransaction(const Statement& s);
  void Finish();

  // Parts of the above.
  void AddColumn(const Statement& s, Object& table, const AlterCommand& c);
  void AlterType(const Statement& s, Object& table, const AlterCommand& c);
  void SetNotNull(const Statement& s, Object& table, const AlterCommand& c);
  void DropColumn(const Statement& s, Object& table, const AlterCommand& c);
  void AddConstraint(const Statement& s, Object& table, const ConstraintSpec& spec, bool fills);
  void AddForeignKey(const Statement& s, Object& table, const ConstraintSpec& spec, bool fills);
  void AddIndexConstraint(const Statement& s, Object& table, const ConstraintSpec& spec);
  void DropConstraint(const Statement& s, Object& table, const AlterCommand& c);
  void CreateIndex(const Statement& s);
  void DropIndexes(const Statement& s);
  void Reindex(const Statement& s);
  void DropRelations(const Statement& s);
  void Truncate(const Statement& s);

  // ---- state
  // The relation that the name means at this statement; nullptr = there is none.
  Object* Resolve(const Statement& s, const ObjectName& name);
  Object* Target(const Statement& s) {
    return s.objects.empty() ? nullptr : Resolve(s, s.objects[0]);
  }
  // As the statement would create it: in the given schema or the first of the path.
  Object& Create(const Statement& s, const ObjectName& name);
  const AddedConstraint* Added(const Object& table, std::string_view name) const;
  bool ProvenNotNull(const Object& table, std::string_view column) const;
  bool IsNullable(const Object& table, std::string_view column) const;
  bool HasColumn(const Object& table, std::string_view column) const;
  bool HasIndexOn(const Object& table, const List<Text>& columns) const;
  // A lock of the statement, for `ms`: what others wait for.
  void Take(const Statement& s, Object& object, std::string_view lock, double ms);

  // ---- words
  // A hazard about an object, with its place, lock, and what it blocks. The explanation begins with
  // `why`; the forecast of the lock is put behind it.
  Hazard& Add(std::string_view name, const Statement& s, const Object* object,
              std::string_view lock, double ms, std::string_view why);
  void AppendForecast(Text& out, const Object& object, std::string_view lock, double ms) const;
  static Severity Scaled(Severity usual, double ms);

  double ScanMs(const Object& object) const;
  double BuildMs(const Object& object) const;
  double RewriteMs(const Object& object) const;

  struct HeldLock {
    const Object* object;
    Text lock;
    std::int32_t statement;
  };
  struct PendingKey {  // a foreign key whose columns want an index by the end of the script
    Object* table;
    ConstraintSpec spec;
    const Statement* statement;
  };

  std::span<const Statement> script_;
  const Database& database_;
  List<Hazard> hazards_;
  std::map<std::pair<Text, Text>, Object> objects_;
  const Statement* now_ = nullptr;
  bool in_transaction_ = false;
  std::int32_t transaction_ =
      0;  // number of the current one; each statement outside of a block is one
  const Statement* begin_ = nullptr;
  List<HeldLock> held_;
  bool told_many_locks_ = false, told_lock_timeout_ = false;
  std::int64_t lock_timeout_ = 0, outer_lock_timeout_ = 0;
  std::int64_t statement_timeout_ = 0, outer_statement_timeout_ = 0;
  std::map<Text, ObjectName> new_enum_values_;  // of this transaction
  List<PendingKey> foreign_keys_;
};

// ---- SQL of safe forms
template <typename... Parts>
Text Join(const Parts&... parts) {
  Text text;
  text::Append(text, parts...);
  return text;
}
Text Quoted(std::string_view name);
Text QuotedList(const List<Text>& names);  // a, "B"
// SET lock_timeout, for statements that queue behind others and make everybody queue behind them.
inline constexpr std::string_view kSetTimeout = "SET lock_timeout = '2s';\n";
// A loop that fills rows in batches, each committed: `set` is the SET list, `missing` what rows
// lack it.
Text BackfillLoop(std::string_view table, std::string_view set, std::string_view missing);
// Steps that make a column NOT NULL without a scan under ACCESS EXCLUSIVE.
Text NotNullSteps(const Object& table, std::string_view column);
// Sentences joined by a blank.
void Say(Text& out, std::string_view sentence);

}  // namespace assist::check

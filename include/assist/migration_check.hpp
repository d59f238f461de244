// What assist.check_migration knows and says: the statements of a script, the facts of the database
// that they touch, and the hazards of running them. Plain values without a server: src/pg/migrate
// fills the first two, src/core/migrate/check*.cpp makes the third out of them.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assist/finding.hpp"
#include "assist/migration.hpp"

namespace assist::check {

using Text = std::pmr::string;
template <typename T>
using List = std::pmr::vector<T>;

// ---- Statements
// ------------------------------------------------------------------------------------------------

// Unquoted. An empty schema is looked up along the statement's search_path.
struct ObjectName {
  Text schema, name;
};

enum class ObjectType : std::uint8_t {
  kTable,
  kIndex,
  kView,
  kMaterializedView,
  kSequence,
  kSchema,
  kDatabase,
  kType,  // and domains
  kFunction,
  kExtension,
  kTrigger,
  kOther
};

enum class ConstraintKind : std::uint8_t {
  kNotNull,
  kCheck,
  kForeignKey,
  kUnique,
  kPrimary,
  kExclusion
};

struct ConstraintSpec {
  ConstraintKind kind = ConstraintKind::kCheck;
  Text name;           // empty = the server chooses one
  List<Text> columns;  // key columns, or those of the foreign key
  bool not_valid = false;
  bool plain = true;  // kUnique, kPrimary: nothing but columns
  Text using_index;
  ObjectName references;
  List<Text> references_columns;  // empty = the primary key
  List<Text> not_null;            // kCheck: columns that it proves not to be null
  Text source;                    // as written, CONSTRAINT name included, without NOT VALID
};

// What a column's default does to rows that are there.
enum class DefaultKind : std::uint8_t {
  kNone,      // or NULL
  kStored,    // one value for all rows: kept in the catalog
  kVolatile,  // one value per row: rewrites
  kUnknown    // could not be analyzed here: uses what this script makes, for example
};

struct ColumnSpec {
  Text name;
  Text type;  // as written
  DefaultKind default_kind = DefaultKind::kNone;
  Text default_source;
  Text volatile_function;  // kVolatile: the first one in it
  bool serial = false, identity = false, generated = false, not_null = false;
  bool small_integer = false;        // int4 or int2
  bool constrained_domain = false;   // of the type
  List<ConstraintSpec> constraints;  // written at the column; their columns are filled in
};

// What ALTER COLUMN ... TYPE does to the table as it is now.
struct TypeChange {
  bool known = false;
  bool rewrite = false;
  bool rebuilds_indexes = false;  // heap kept, index on the column not reusable
  bool lossy = false;             // fewer values fit: text to varchar(10), bigint to int
  Text from, to, using_source;
};

enum class AlterOp : std::uint8_t {
  kAddColumn,
  kDropColumn,
  kAlterType,
  kSetNotNull,
  kDropNotNull,
  kAddConstraint,
  kDropConstraint,
  kValidateConstraint,
  kAttachPartition,
  kDetachPartition,
  kSetLogged,
  kSetUnlogged,
  kSetTablespace,
  kSetAccessMethod,
  kDisableTrigger,
  kAddIdentity,
  kReplicaIdentity,
  kRowSecurity,
  kLight,  // SHARE UPDATE EXCLUSIVE at most: statistics targets, storage parameters
  kBrief   // an ACCESS EXCLUSIVE lock for an instant: defaults, owner, storage
};

struct AlterCommand {
  AlterOp op = AlterOp::kBrief;
  Text name;  // column, constraint, trigger (empty = all) or tablespace
  ColumnSpec column;
  ConstraintSpec constraint;
  TypeChange change;
  ObjectName other;  // partition
  Text source;       // the command as written, without ALTER TABLE name
  bool concurrently = false, cascade = false, default_bound = false,
       if_exists = false;  // kAddColumn: IF NOT EXISTS
};

enum class StatementKind : std::uint8_t {
  kOther,
  kBegin,
  kCommit,
  kRollback,
  kSet,  // lock_timeout or statement_timeout
  kMeta,
  kCreateTable,
  kAlterTable,
  kAlterDomain,
  kCreateIndex,
  kReindex,
  kDrop,
  kRename,
  kSetSchema,
  kTruncate,
  kUpdate,
  kDelete,
  kInsert,
  kVacuumFull,
  kVacuum,
  kCluster,
  kRefresh,
  kAddEnumValue,
  kRenameEnumValue,
  kLock,
  kCreateTrigger,
  kCreateSchema,
  kCreateView,
  kCreateType,
  kDo,
  kOutsideTransaction  // CREATE DATABASE and the like: refused in a transaction block
};

struct Statement {
  StatementKind kind = StatementKind::kOther;
  std::int32_t number = 0;          // from 1 in the script; meta-commands count
  std::int32_t line = 0;            // of its first token, from 1
  std::int32_t position = 0;        // of its first token in characters of the script, from 1
  Text source;                      // without semicolon
  Text concurrent;                  // kCreateIndex, kDrop, kReindex, kRefresh: with CONCURRENTLY
  Text before_where, where_source;  // kUpdate, kDelete in one table: around the word WHERE
  Text command;                     // what it is, in upper case: CREATE INDEX, VACUUM FULL
  const List<Text>* search_path = nullptr;
  Text path_setting;         // what the script has set search_path to; empty = as where it begins
  List<ObjectName> objects;  // what it is about; kAlterTable, kCreateIndex ...: one
  ObjectType object_type = ObjectType::kTable;
  List<AlterCommand> commands;       // kAlterTable, kAlterDomain
  List<ColumnSpec> columns;          // kCreateTable
  List<ConstraintSpec> constraints;  // kCreateTable: of the table
  Text name;                         // kCreateIndex: index; kRename: new one; kSetSchema: schema;
                                     // kSet: setting; kAddEnumValue: value
  Text column;                       // kRename: of a column
  std::optional<ObjectName> parent;  // kCreateTable: PARTITION OF
  List<Text> words;                  // string constants in it: what values it may use
  std::int64_t value = 0;            // kSet: ms, 0 = none
  bool local = false;                // kSet: SET LOCAL
  bool resets = false;               // kSet: RESET
  bool concurrently = false, cascade = false, if_exists = false, if_not_exists = false;
  bool unique = false;         // kCreateIndex
  bool only = false;           // kCreateIndex: ON ONLY
  bool where = false;          // kUpdate, kDelete: restricts rows
  bool opaque = false;         // kDo: has DDL or EXECUTE in it
  bool index_plain = false;    // kCreateIndex: b-tree on columns, without predicate
  bool temporary = false;      // kCreateTable
  bool default_bound = false;  // kCreateTable: PARTITION OF ... DEFAULT
  bool or_replace = false;
  double estimated_rows = -1;  // kUpdate, kDelete with WHERE: of the planner; -1 = not known
  Text lock_mode;              // kLock
  List<Text> keys;             // kCreateIndex: columns; empty text = an expression
};

// ---- Facts
// -----------------------------------------------------------------------------------------------------

struct ColumnFact {
  Text name, type;
  bool not_null = false;
};

struct ConstraintFact {
  Text name;
  ConstraintKind kind = ConstraintKind::kCheck;
  bool validated = true;
  List<Text> columns;
  List<Text> not_null;    // kCheck: columns that it proves not to be null
  Text check;             // kCheck: the expression, deparsed
  ObjectName references;  // kForeignKey
};

struct IndexFact {
  Text schema, name;
  List<Text> keys;  // columns; empty text = an expression
  bool unique = false, valid = true, primary = false, partial = false, constraint = false;
  bool plain = false;  // b-tree on columns, without predicate and with default options
  std::int64_t bytes = 0;
};

struct Dependant {
  Text column;  // empty = the whole relation
  Text name;    // qualified; kept in the order of the names
};

// A transaction that holds or awaits a lock on the relation now.
struct Holder {
  std::int32_t pid = 0;
  Text role, state;     // empty = not for the caller to see
  Text mode;            // as in SQL: ROW EXCLUSIVE
  double seconds = -1;  // since its transaction began; -1 = not known
  bool visible = false;
  bool autovacuum = false;  // gives way, unless against wraparound
};

struct Relation {
  Oid oid = 0;
  Text schema, name;
  Text qualified;  // ready for SQL
  char kind = 'r';
  bool temporary = false, unlogged = false, is_partition = false;
  bool empty = false;      // provably: no block in it, nor in any partition
  double rows = -1;        // -1 = never analyzed
  std::int64_t bytes = 0;  // heap and toast
  std::int64_t index_bytes = 0;
  double calls_per_second = -1;  // statements that use it; -1 = not known
  ObjectName table;              // of an index
  List<ColumnFact> columns;
  List<ConstraintFact> constraints;
  List<IndexFact> indexes;
  List<Dependant> views;     // that use it, with their columns
  List<Text> referenced_by;  // tables with a foreign key to it, qualified
  List<Text> primary_key;
  List<Holder> holders;
  Text default_partition;  // qualified; empty = none
  ObjectName parent;       // of a partition
  bool default_partition_empty = false;
  std::int64_t default_partition_bytes = 0;
  std::int32_t partitions = 0;
};

struct DomainFact {
  ObjectName name;
  List<Text> users;  // tables with a column of it, qualified, that are not empty
};

struct Database {
  List<Relation> relations;  // sorted by schema and name
  List<DomainFact> domains;
  std::int64_t lock_timeout_ms = 0, statement_timeout_ms = 0;  // where the script begins
  double scan_bytes_per_second = 200e6;
  double build_bytes_per_second = 40e6;
  double rewrite_bytes_per_second = 50e6;

  const Relation* Find(std::string_view schema, std::string_view name) const;
};

// ---- Hazards
// ---------------------------------------------------------------------------------------------------

enum class Family : std::uint8_t {
  kLock,
  kRewrite,
  kFailure,
  kDestructive,
  kCompatibility,
  kDesign,
  kTransaction,
  kOther
};

struct HazardDescriptor {
  std::string_view name;  // stable: docs/hazards/<name>.md
  Family family;
  Severity severity;  // the usual one; less on small tables
  std::string_view title;
};

std::span<const HazardDescriptor> AllHazards();
const HazardDescriptor* FindHazard(std::string_view name);  // nullptr = none of that name

struct Hazard {
  std::string_view name;
  Severity severity = Severity::kInfo;
  std::int32_t statement = 0, line = 0, position = 0;
  Text lock;  // as in SQL: ACCESS EXCLUSIVE; empty = none
  Blocks blocks = Blocks::kNothing;
  Text object;       // qualified
  double rows = -1;  // -1 = not known
  double ms = -1;    // that the lock is held; -1 = not known
  Text explanation;  // sentences
  Text safe;         // SQL, statements ended with semicolons; empty = there is none
};

// The hazards of a script in the order of its statements; several of one statement in the order of
// its parts.
List<Hazard> CheckScript(std::span<const Statement> script, const Database& database);

}  // namespace assist::check

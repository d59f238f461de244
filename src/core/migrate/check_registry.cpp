// Every hazard that assist.check_migration can report. A new one: a line here, its check in one of check_*.cpp,
// docs/hazards/<name>.md, and unit tests of a case where it speaks and of one where it is silent.

#include <algorithm>

#include "assist/migration_check.hpp"

namespace assist::check {
namespace {

constexpr HazardDescriptor kHazards[] = {
    {"create_index_blocking", Family::kLock, Severity::kHigh, "CREATE INDEX blocks writes while it builds"},
    {"drop_index_blocking", Family::kLock, Severity::kLow, "DROP INDEX locks the table, and waits in its queue"},
    {"reindex_blocking", Family::kLock, Severity::kHigh, "REINDEX blocks writes, and reads that plan with the index"},
    {"refresh_matview_blocking", Family::kLock, Severity::kMedium, "REFRESH MATERIALIZED VIEW blocks its readers"},
    {"detach_partition_blocking", Family::kLock, Severity::kMedium, "DETACH PARTITION locks the partitioned table"},
    {"attach_partition_scan", Family::kLock, Severity::kMedium, "ATTACH PARTITION reads the table under ACCESS EXCLUSIVE"},
    {"default_partition_scan", Family::kLock, Severity::kHigh, "A new partition has the default partition read under lock"},
    {"partition_ddl_locks_parent", Family::kLock, Severity::kLow, "CREATE TABLE ... PARTITION OF locks the partitioned table"},
    {"add_check_validates", Family::kLock, Severity::kHigh, "ADD CHECK reads the table under ACCESS EXCLUSIVE"},
    {"add_fk_validates", Family::kLock, Severity::kHigh, "ADD FOREIGN KEY blocks writes to two tables while it checks"},
    {"add_unique_blocking", Family::kLock, Severity::kHigh, "ADD UNIQUE builds its index under ACCESS EXCLUSIVE"},
    {"add_pk_blocking", Family::kLock, Severity::kHigh, "ADD PRIMARY KEY builds its index under ACCESS EXCLUSIVE"},
    {"pk_using_nullable_index", Family::kLock, Severity::kHigh, "PRIMARY KEY USING INDEX reads the table: its columns are nullable"},
    {"add_exclusion_blocking", Family::kLock, Severity::kHigh, "ADD EXCLUDE builds its index under ACCESS EXCLUSIVE"},
    {"set_not_null_scan", Family::kLock, Severity::kHigh, "SET NOT NULL reads the table under ACCESS EXCLUSIVE"},
    {"domain_constraint_scan", Family::kLock, Severity::kHigh, "A new constraint of a domain has its tables read"},
    {"validate_in_same_txn", Family::kLock, Severity::kHigh, "VALIDATE in the transaction that added the constraint"},
    {"lock_held_during_slow_statement", Family::kLock, Severity::kHigh, "A lock is held while something slow runs"},
    {"explicit_lock", Family::kLock, Severity::kMedium, "LOCK TABLE"},
    {"fk_drop_locks_parent", Family::kLock, Severity::kLow, "Dropping a foreign key locks the referenced table as well"},
    {"add_column_volatile_default", Family::kRewrite, Severity::kCritical, "A volatile default rewrites the table"},
    {"add_column_serial", Family::kRewrite, Severity::kCritical, "A serial or identity column rewrites the table"},
    {"add_column_generated_stored", Family::kRewrite, Severity::kCritical, "A generated column rewrites the table"},
    {"add_column_constrained_domain", Family::kRewrite, Severity::kCritical, "A column of a domain with constraints rewrites the table"},
    {"alter_type_rewrite", Family::kRewrite, Severity::kCritical, "The new type rewrites the table"},
    {"alter_type_index_rebuild", Family::kRewrite, Severity::kHigh, "The new type rebuilds indexes"},
    {"table_rewrite_command", Family::kRewrite, Severity::kCritical, "A command rewrites the table under ACCESS EXCLUSIVE"},
    {"add_column_not_null_no_default", Family::kFailure, Severity::kCritical, "NOT NULL without default fails where there are rows"},
    {"dependent_objects_block", Family::kFailure, Severity::kCritical, "Objects that depend on it make the statement fail"},
    {"concurrently_in_transaction", Family::kFailure, Severity::kCritical, "The statement is refused in a transaction block"},
    {"concurrently_on_partitioned", Family::kFailure, Severity::kCritical, "CONCURRENTLY is refused on a partitioned table"},
    {"enum_value_used_in_same_txn", Family::kFailure, Severity::kCritical, "A new enum value is used before it is committed"},
    {"invalid_index_masked", Family::kFailure, Severity::kHigh, "IF NOT EXISTS meets an index that is invalid"},
    {"drop_table", Family::kDestructive, Severity::kHigh, "DROP TABLE"},
    {"drop_column", Family::kDestructive, Severity::kHigh, "DROP COLUMN"},
    {"drop_schema", Family::kDestructive, Severity::kHigh, "DROP SCHEMA"},
    {"drop_database", Family::kDestructive, Severity::kCritical, "DROP DATABASE"},
    {"drop_sequence", Family::kDestructive, Severity::kMedium, "DROP SEQUENCE"},
    {"drop_view", Family::kDestructive, Severity::kLow, "DROP VIEW"},
    {"drop_cascade", Family::kDestructive, Severity::kHigh, "CASCADE drops what is not named"},
    {"truncate_table", Family::kDestructive, Severity::kHigh, "TRUNCATE"},
    {"truncate_cascade", Family::kDestructive, Severity::kCritical, "TRUNCATE ... CASCADE empties other tables"},
    {"delete_without_where", Family::kDestructive, Severity::kHigh, "DELETE of all rows"},
    {"update_without_where", Family::kDestructive, Severity::kHigh, "UPDATE of all rows"},
    {"unbatched_dml", Family::kDestructive, Severity::kMedium, "Many rows are changed in one statement"},
    {"lossy_type_change", Family::kDestructive, Severity::kMedium, "Not all values fit the new type"},
    {"drop_constraint", Family::kDestructive, Severity::kLow, "DROP CONSTRAINT"},
    {"drop_not_null", Family::kDestructive, Severity::kLow, "DROP NOT NULL"},
    {"set_unlogged", Family::kDestructive, Severity::kHigh, "An unlogged table is empty after a crash"},
    {"disable_triggers", Family::kDestructive, Severity::kMedium, "Triggers, and with ALL foreign keys, do not fire"},
    {"rename_table", Family::kCompatibility, Severity::kHigh, "Renaming a relation breaks those who use it"},
    {"rename_column", Family::kCompatibility, Severity::kHigh, "Renaming a column breaks those who use it"},
    {"rename_schema", Family::kCompatibility, Severity::kHigh, "Renaming a schema breaks those who use it"},
    {"rename_enum_value", Family::kCompatibility, Severity::kMedium, "Renaming an enum value breaks those who use it"},
    {"move_schema", Family::kCompatibility, Severity::kHigh, "Another schema breaks those who use it"},
    {"fk_without_index", Family::kDesign, Severity::kLow, "No index has the columns of the foreign key in front"},
    {"duplicate_index", Family::kDesign, Severity::kLow, "There is an index on the same columns"},
    {"small_int_pk", Family::kDesign, Severity::kLow, "A primary key of four bytes or less"},
    {"uncommitted_transaction", Family::kTransaction, Severity::kHigh, "The script ends within a transaction"},
    {"nested_transaction", Family::kTransaction, Severity::kMedium, "BEGIN within a transaction"},
    {"missing_lock_timeout", Family::kTransaction, Severity::kLow, "Nothing bounds the wait for a lock"},
    {"opaque_dynamic_sql", Family::kOther, Severity::kInfo, "Runs what was not checked"},
};

}  // namespace

std::span<const HazardDescriptor> AllHazards() { return kHazards; }

const HazardDescriptor* FindHazard(std::string_view name) {
  const auto found = std::find_if(std::begin(kHazards), std::end(kHazards),
                                  [&](const HazardDescriptor& hazard) { return hazard.name == name; });
  return found != std::end(kHazards) ? found : nullptr;
}

}  // namespace assist::check

// A migration script as statements, and the facts of the database that they touch. Nothing of the
// text is run.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "assist/migration_check.hpp"
#include "pg/guard.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace assist::pg {

inline constexpr std::size_t kMostScriptBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMostStatements = 100000;

struct Script {
  std::vector<check::Statement> statements;
  std::deque<check::List<check::Text>> search_paths;  // that statements point to
};

// Throws PgError for text that this server's parser refuses (SQLSTATE, position and hint are set),
// AssistError for more than the limits.
Script ReadScript(std::string_view text);

// REQUIRES: no OwnerScope. Reads as the extension's owner, shows of other sessions what the caller
// may see.
check::Database ReadDatabase(const Script& script);

// Fills Statement::estimated_rows of UPDATE and DELETE on large tables, of the first twenty.
void EstimateChanges(Script& script, const check::Database& database);

// ---- Between the files of this room ----

// What turning a tree into a statement needs besides the tree.
struct Converter {
  std::string_view text;    // of the statement; locations in the tree are offsets into it
  const char* search_path;  // of the script where it stands, as a setting; nullptr = the session's
};

// Fills everything but number, line, position, source and search_path. May throw; never an ERROR.
void ConvertStatement(const Converter& converter, Node* node, check::Statement& out);
void ConvertAlterTable(const Converter& converter, AlterTableStmt* tree, check::Statement& out);
void ConvertCreateTable(const Converter& converter, CreateStmt* tree, check::Statement& out);
void ConvertAlterDomain(const Converter& converter, AlterDomainStmt* tree, check::Statement& out);

// convert_text.cpp: CONCURRENTLY behind the first of these words; the parts around WHERE; whether a
// DO block runs what is not seen; string constants, into Statement::words.
void AddConcurrently(const Converter& converter, std::initializer_list<std::string_view> behind,
                     check::Statement& out);
void SplitAtWhere(const Converter& converter, bool has_where, check::Statement& out);
bool IsOpaque(const DoStmt* tree);
void CollectWords(Node* node, check::Statement& out);
void CollectExpressionWords(Node* node, check::Statement& out);

check::ObjectName NameOf(const RangeVar* relation);
check::ObjectName NameOf(const List* names);  // of String nodes
// Columns that a CHECK expression proves not to be null.
void ProvenColumns(Node* expression, check::List<check::Text>& out);

// Of a default, as ALTER TABLE ADD COLUMN would judge it. Throws for cancel and shutdown only.
struct DefaultVerdict {
  check::DefaultKind kind = check::DefaultKind::kUnknown;
  char function[NAMEDATALEN] = "";
};
DefaultVerdict JudgeDefault(const Converter& converter, const TypeName* type, Node* expression);

struct TypeVerdict {
  bool known = false;
  bool domain_constrained = false;
  bool small_integer = false;
};
TypeVerdict JudgeType(const Converter& converter, const TypeName* type);

// What ALTER COLUMN ... TYPE of the column of this relation does, by the server's own rules.
void JudgeTypeChange(const Converter& converter, const RangeVar* relation, const char* column,
                     const TypeName* type, Node* using_expression, check::TypeChange& out);

// Rows that an UPDATE or DELETE would change by the planner's estimate; -1 = not known. Plans, does
// not run.
double EstimateRows(const Converter& converter, std::string_view source);

}  // namespace assist::pg

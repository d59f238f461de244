// A migration script as statements: split as psql does, parsed by this server's own parser.

#include "pg/migrate/script.hpp"

#include <algorithm>
#include <cstring>

#include "sqlparse/script.hpp"

extern "C" {
#include "catalog/namespace.h"  // for fetch_search_path
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"  // for get_namespace_name
}

namespace assist::pg {

namespace {

using check::Statement;
using check::StatementKind;
using check::Text;

// Lines and characters up to offsets that only grow.
class Places {
 public:
  explicit Places(std::string_view script) : text_(script) {}
  void MoveTo(std::size_t offset) {
    if (offset < at_) return;
    const std::string_view passed = text_.substr(at_, offset - at_);
    for (std::size_t i = 0; i < passed.size(); ++i) {
      if (passed[i] == '\n') {
        ++line_;
        line_begin_ = at_ + i + 1;
      }
    }
    Guarded([&] {
      characters_ += pg_mbstrlen_with_len(passed.data(), static_cast<int>(passed.size()));
    });
    at_ = offset;
  }
  int line() const { return line_; }
  int character() const { return characters_ + 1; }
  int column() const {
    const std::string_view line = text_.substr(line_begin_, at_ - line_begin_);
    return 1 + Guarded([&] {
             return pg_mbstrlen_with_len(line.data(), static_cast<int>(line.size()));
           });
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0, line_begin_ = 0;
  int line_ = 1, characters_ = 0;
};

// Statements whose text is longer are not quoted in an error.
constexpr std::size_t kQuoted = 4096;

void place_error(ErrorData* error, const char* statement, int number, int line, int column,
                 bool variable) {
  if (error == nullptr) return;
  if (error->cursorpos > 0 && strlen(statement) <= kQuoted) {
    error->internalpos = error->cursorpos;
    error->internalquery = pstrdup(statement);
  }
  error->cursorpos = 0;
  const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
  if (category == ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED)) return;
  error->hint = psprintf("This is in statement %d, line %d, column %d of the script. %s", number,
                         line, column,
                         variable ? "Variables of psql are not known here: put their values in."
                                  : "Nothing was checked: correct it first.");
}

// The byte offset of a character position (from 1).
std::size_t ByteOffset(std::string_view text, int position) {
  std::size_t offset = 0;
  Guarded([&] {
    for (int i = 1; i < position && offset < text.size(); ++i)
      offset += static_cast<std::size_t>(pg_mblen(text.data() + offset));
  });
  return std::min(offset, text.size());
}

struct PathState {
  bool changed = false;
  Text setting;  // as a setting's value
  const check::List<Text>* schemas = nullptr;
};

class Reader {
 public:
  explicit Reader(std::string_view script) : text_(script), clean_(script), places_(script) {
    script_.search_paths.push_back(SessionPath());
    path_.schemas = session_path_ = &script_.search_paths.back();
  }

  Script Read() {
    Blank();
    sqlparse::ScriptReader reader(text_);
    for (;;) {
      const sqlparse::Piece piece = reader.Next();
      if (piece.kind == sqlparse::PieceKind::kEnd) break;
      if (piece.kind == sqlparse::PieceKind::kCopyData) continue;
      Guarded([] { CHECK_FOR_INTERRUPTS(); });
      if (script_.statements.size() >= kMostStatements)
        throw AssistError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                          "the script has more than 100000 statements", "Check it in parts.");
      if (piece.kind == sqlparse::PieceKind::kMeta)
        AddMeta(piece);
      else
        AddStatement(piece);
    }
    return std::move(script_);
  }

 private:
  // Meta-commands become blanks, so that what is around them can be parsed and keeps its place.
  void Blank() {
    sqlparse::ScriptReader reader(text_);
    for (;;) {
      const sqlparse::Piece piece = reader.Next();
      if (piece.kind == sqlparse::PieceKind::kEnd) return;
      if (piece.kind != sqlparse::PieceKind::kMeta) continue;
      for (std::size_t i = piece.begin; i < piece.end; ++i) clean_[i] = ' ';
    }
  }

  Statement& Begin(std::size_t begin, std::string_view source) {
    Statement& statement = script_.statements.emplace_back();
    statement.number = static_cast<std::int32_t>(script_.statements.size());
    places_.MoveTo(begin);
    statement.line = places_.line();
    statement.position = places_.character();
    statement.source = source;
    statement.search_path = path_.schemas;
    if (path_.changed) statement.path_setting = path_.setting;
    return statement;
  }

  void AddMeta(const sqlparse::Piece& piece) {
    const std::string_view source = text_.substr(piece.begin, piece.end - piece.begin);
    Statement& statement = Begin(piece.begin, source);
    statement.kind = StatementKind::kMeta;
    statement.name = sqlparse::MetaName(source);
  }

  void AddStatement(const sqlparse::Piece& piece) {
    const Text source(clean_, piece.begin, piece.end - piece.begin);
    const int number = static_cast<int>(script_.statements.size()) + 1;
    ::List* trees = nullptr;
    try {
      Guarded([&] { trees = raw_parser(source.c_str(), RAW_PARSE_DEFAULT); });
    } catch (const PgError& error) {
      const int position = error.data() != nullptr ? error.data()->cursorpos : 0;
      const std::size_t offset = piece.begin + ByteOffset(source, position);
      places_.MoveTo(offset);
      const int line = places_.line(), column = places_.column();
      const bool variable = offset < text_.size() && text_[offset] == ':';
      Guarded([&] { place_error(error.data(), source.c_str(), number, line, column, variable); });
      throw;
    }
    if (trees == nullptr) return;
    // CREATE SCHEMA with elements and CREATE RULE keep theirs inside; more than one tree is what
    // our splitter did not see, each is judged.
    ListCell* cell;
    foreach (cell, trees) {
      Statement& statement = Begin(piece.begin, source);
      Node* node = lfirst_node(RawStmt, cell)->stmt;
      const Converter converter{statement.source, path_.changed ? path_.setting.c_str() : nullptr};
      ConvertStatement(converter, node, statement);
      FollowPath(node);
    }
  }

  static check::List<Text> SessionPath() {
    check::List<Text> schemas;
    ::List* oids = nullptr;
    Guarded([&] { oids = fetch_search_path(false); });
    ListCell* cell;
    foreach (cell, oids) {
      const char* name = nullptr;
      Guarded([&] { name = get_namespace_name(lfirst_oid(cell)); });
      if (name != nullptr) schemas.emplace_back(name);
    }
    return schemas;
  }

  void Restore() {
    path_.changed = false;
    path_.schemas = session_path_;
  }

  void FollowPath(Node* node) {
    if (IsA(node, TransactionStmt)) {
      const TransactionStmtKind kind = reinterpret_cast<TransactionStmt*>(node)->kind;
      if ((kind == TRANS_STMT_COMMIT || kind == TRANS_STMT_ROLLBACK) && local_path_) {
        path_ = outer_path_;
        local_path_ = false;
      }
      return;
    }
    if (IsA(node, DiscardStmt) && reinterpret_cast<DiscardStmt*>(node)->target == DISCARD_ALL)
      return Restore();
    if (!IsA(node, VariableSetStmt)) return;
    const auto* set = reinterpret_cast<VariableSetStmt*>(node);
    if (set->kind == VAR_RESET_ALL) return Restore();
    if (set->name == nullptr || strcmp(set->name, "search_path") != 0) return;
    if (set->is_local && !local_path_) {
      outer_path_ = path_;
      local_path_ = true;
    }
    if (set->kind != VAR_SET_VALUE) return Restore();
    check::List<Text> schemas;
    Text setting;
    ListCell* cell;
    foreach (cell, set->args) {
      Node* item = static_cast<Node*>(lfirst(cell));
      if (!IsA(item, A_Const) || nodeTag(&reinterpret_cast<A_Const*>(item)->val) != T_String)
        continue;
      const char* name = strVal(&reinterpret_cast<A_Const*>(item)->val);
      if (!setting.empty()) setting += ", ";
      setting += '"';
      for (const char* c = name; *c != '\0'; ++c) {
        if (*c == '"') setting += '"';
        setting += *c;
      }
      setting += '"';
      if (strcmp(name, "$user") == 0) {
        const char* role = nullptr;
        Guarded([&] { role = GetUserNameFromId(GetUserId(), true); });
        if (role != nullptr) schemas.emplace_back(role);
      } else if (strcmp(name, "pg_catalog") != 0) {
        schemas.emplace_back(name);
      }
    }
    script_.search_paths.push_back(std::move(schemas));
    path_.changed = true;
    path_.setting = setting.empty() ? Text("\"\"") : std::move(setting);
    path_.schemas = &script_.search_paths.back();
  }

  std::string_view text_;
  Text clean_;
  Places places_;
  Script script_;
  PathState path_, outer_path_;
  bool local_path_ = false;
  const check::List<Text>* session_path_ = nullptr;
};

}  // namespace

Script ReadScript(std::string_view text) {
  if (text.size() > kMostScriptBytes)
    throw AssistError(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the script is longer than 16 MB",
                      "Check it in parts; data need no check.");
  return Reader(text).Read();
}

}  // namespace assist::pg

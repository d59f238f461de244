// What a statement's own text gives beside its tree: safe forms by a word more, parts around WHERE,
// and the strings that it uses.

#include <algorithm>
#include <cstring>

#include "pg/migrate/script.hpp"
#include "sqlparse/tokens.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
}

namespace assist::pg {

namespace {

using check::Statement;
using check::Text;

bool IsWord(std::string_view token, std::string_view word) {
  return token.size() == word.size() &&
         std::equal(token.begin(), token.end(), word.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// The end of the first of these words in the statement outside of brackets; npos = none of them.
std::size_t EndOfWord(std::string_view text, std::initializer_list<std::string_view> words) {
  sqlparse::Scanner scanner(text);
  for (int depth = 0;;) {
    const sqlparse::Token token = scanner.Next();
    if (token.kind == sqlparse::TokenKind::kEnd || token.kind == sqlparse::TokenKind::kUnterminated)
      return std::string_view::npos;
    if (token.kind == sqlparse::TokenKind::kOpen) ++depth;
    if (token.kind == sqlparse::TokenKind::kClose) --depth;
    if (token.kind != sqlparse::TokenKind::kWord || depth != 0) continue;
    for (const std::string_view word : words)
      if (IsWord(text.substr(token.begin, token.end - token.begin), word)) return token.end;
  }
}

// String constants of a statement: enum values that it may use. Stops where the tree is deep.
struct Words {
  const char* found[64];
  int count;
};
bool collect_words(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* words = static_cast<Words*>(context);
  if (IsA(node, A_Const) && !reinterpret_cast<A_Const*>(node)->isnull &&
      nodeTag(&reinterpret_cast<A_Const*>(node)->val) == T_String && words->count < 64)
    words->found[words->count++] = strVal(&reinterpret_cast<A_Const*>(node)->val);
  if (nodeTag(node) == T_ColumnDef) {
    ListCell* cell;
    foreach (cell, reinterpret_cast<ColumnDef*>(node)->constraints)
      if (collect_words(static_cast<Node*>(lfirst(cell)), context)) return true;
    return false;
  }
  if (nodeTag(node) == T_Constraint)
    return collect_words(reinterpret_cast<Constraint*>(node)->raw_expr, context);
  return raw_expression_tree_walker(node, ASSIST_WALKER(collect_words), context);
}

// The walker refuses what is no expression or query: LIKE clauses, partition commands.
bool HasWords(const Node* node) {
  if (node == nullptr) return false;
  switch (nodeTag(node)) {
    case T_ColumnDef:
    case T_Constraint:
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
      return true;
    default:
      return false;
  }
}

}  // namespace

void CollectExpressionWords(Node* node, Statement& out) {
  Words words = {{}, 0};
  Guarded([&] { collect_words(node, &words); });
  for (int i = 0; i < words.count; ++i) out.words.emplace_back(words.found[i]);
}

void CollectWords(Node* node, Statement& out) {
  if (HasWords(node)) CollectExpressionWords(node, out);
}

void AddConcurrently(const Converter& converter, std::initializer_list<std::string_view> behind,
                     Statement& out) {
  if (out.concurrently) return;
  const std::size_t end = EndOfWord(converter.text, behind);
  if (end == std::string_view::npos) return;
  out.concurrent = Text(converter.text.substr(0, end));
  out.concurrent += " CONCURRENTLY";
  out.concurrent += converter.text.substr(end);
}

// A block that runs statements which this does not see.
bool IsOpaque(const DoStmt* tree) {
  ListCell* cell;
  foreach (cell, tree->args) {
    const auto* option = static_cast<DefElem*>(lfirst(cell));
    if (strcmp(option->defname, "as") != 0 || option->arg == nullptr) continue;
    sqlparse::Scanner scanner(strVal(option->arg));
    const std::string_view body = strVal(option->arg);
    for (;;) {
      const sqlparse::Token token = scanner.Next();
      if (token.kind == sqlparse::TokenKind::kEnd ||
          token.kind == sqlparse::TokenKind::kUnterminated)
        break;
      if (token.kind != sqlparse::TokenKind::kWord) continue;
      for (const std::string_view word : {"execute", "alter", "drop", "create", "truncate", "lock",
                                          "vacuum", "reindex", "cluster", "refresh", "call"})
        if (IsWord(body.substr(token.begin, token.end - token.begin), word)) return true;
    }
  }
  return false;
}

void SplitAtWhere(const Converter& converter, bool has_where, Statement& out) {
  if (!has_where) {
    out.before_where = converter.text;
    return;
  }
  const std::size_t end = EndOfWord(converter.text, {"where"});
  if (end == std::string_view::npos) return;
  out.before_where = Text(converter.text.substr(0, end - 5));
  while (!out.before_where.empty() && static_cast<unsigned char>(out.before_where.back()) <= ' ')
    out.before_where.pop_back();
  out.where_source = Text(converter.text.substr(end));
}

}  // namespace assist::pg

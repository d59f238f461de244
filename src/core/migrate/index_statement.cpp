#include "core/migrate/index_statement.hpp"

#include <algorithm>
#include <cctype>

#include "core/text/text.hpp"

namespace assist::migrate {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void SkipBlanks(std::string_view* text) {
  while (!text->empty() && IsBlank(text->front())) text->remove_prefix(1);
}

// Takes `word` (upper case) from the front if it stands there as a whole word.
bool Take(std::string_view* text, std::string_view word) {
  SkipBlanks(text);
  if (text->size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>((*text)[i])) != word[i]) return false;
  }
  if (text->size() > word.size() && !IsBlank((*text)[word.size()])) return false;
  text->remove_prefix(word.size());
  return true;
}

// A name with its qualification: up to a blank or an opening parenthesis outside double quotes.
std::string_view TakeName(std::string_view* text) {
  SkipBlanks(text);
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text->size(); ++end) {
    const char c = (*text)[end];
    if (c == '"') quoted = !quoted;
    if (!quoted && (IsBlank(c) || c == '(')) break;
  }
  const std::string_view name = text->substr(0, end);
  text->remove_prefix(end);
  return name;
}

// Whether it can be a name as spelled: not empty, and none of the reserved words around it.
bool IsName(std::string_view name) {
  for (std::string_view word : {"ON", "ONLY", "CONCURRENTLY"}) {
    std::string_view rest = name;
    if (Take(&rest, word) && rest.empty()) return false;
  }
  return !name.empty();
}

// Where the WHERE of a partial index begins, outside parentheses and quotes; the size where there
// is none.
std::size_t FindWhere(std::string_view text) {
  constexpr std::string_view kWhere = " WHERE ";
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth == 0 && text.substr(i, kWhere.size()) == kWhere) return i;
  }
  return text.size();
}

}  // namespace

bool ParseIndexStatement(std::string_view text, IndexStatement* statement) {
  *statement = {};
  while (!text.empty() && (IsBlank(text.back()) || text.back() == ';')) text.remove_suffix(1);
  if (!Take(&text, "CREATE")) return false;
  statement->unique = Take(&text, "UNIQUE");
  if (!Take(&text, "INDEX")) return false;
  statement->concurrently = Take(&text, "CONCURRENTLY");
  std::string_view ahead = text;  // an index may be called "if", and the server does not quote that
  if (Take(&ahead, "IF") && Take(&ahead, "NOT") && Take(&ahead, "EXISTS")) text = ahead;
  if (!Take(&text, "ON")) {
    statement->name = TakeName(&text);
    if (!Take(&text, "ON")) return false;
  }
  statement->only = Take(&text, "ONLY");
  statement->table = TakeName(&text);
  SkipBlanks(&text);
  statement->rest = text;
  return IsName(statement->table) && (statement->name.empty() || IsName(statement->name)) && !text.empty();
}

std::pmr::string FormIndexStatement(const IndexStatement& statement, std::string_view name,
                                    std::string_view table, const IndexForm& form,
                                    std::pmr::memory_resource* memory) {
  std::pmr::string sql(memory);
  text::Append(sql, statement.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ",
               form.concurrently ? "CONCURRENTLY " : "", name, name.empty() ? "" : " ", "ON ",
               form.only ? "ONLY " : "", table, " ");
  const std::size_t where = FindWhere(statement.rest);
  text::Append(sql, statement.rest.substr(0, where));
  if (!form.tablespace.empty()) {
    text::Append(sql, " TABLESPACE ");
    text::AppendIdentifier(sql, form.tablespace);
  }
  text::Append(sql, statement.rest.substr(where));
  return sql;
}

std::pmr::string UnquotedName(std::string_view name, std::pmr::memory_resource* memory) {
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '"') quoted = !quoted;
    if (name[i] == '.' && !quoted) start = i + 1;
  }
  name = name.substr(start);
  std::pmr::string plain(memory);
  if (name.size() < 2 || name.front() != '"') {
    plain = name;
    return plain;
  }
  name = name.substr(1, name.size() - 2);
  for (std::size_t i = 0; i < name.size(); ++i) {
    plain.push_back(name[i]);
    if (name[i] == '"' && i + 1 < name.size() && name[i + 1] == '"') ++i;
  }
  return plain;
}

}  // namespace assist::migrate

// The SQL of a candidate: key list, name, definition.
#include "core/advise/candidates.hpp"

#include <algorithm>

#include "core/text/text.hpp"

namespace assist::advise {
namespace {

using text::Append;

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kHash:
      return "hash";
    case Method::kGin:
      return "gin";
    case Method::kGist:
      return "gist";
    case Method::kBrin:
      return "brin";
    case Method::kBtree:
      break;
  }
  return "btree";
}

// An expression that is one function call or one name stands without parentheses in an index
// definition.
bool NeedsParentheses(std::string_view expression) {
  std::size_t i = 0;
  while (i < expression.size() &&
         (expression[i] == '_' || expression[i] == '.' || expression[i] == '"' ||
          static_cast<unsigned char>(expression[i]) >= 0x80 ||
          (expression[i] >= '0' && expression[i] <= '9') ||
          (expression[i] >= 'a' && expression[i] <= 'z') ||
          (expression[i] >= 'A' && expression[i] <= 'Z'))) {
    ++i;
  }
  if (i == 0 || i >= expression.size() || expression[i] != '(') return true;
  int depth = 0;
  bool quoted = false;
  for (; i < expression.size(); ++i) {
    if (expression[i] == '\'') quoted = !quoted;
    if (quoted) continue;
    if (expression[i] == '(') ++depth;
    if (expression[i] == ')' && --depth == 0) break;
  }
  return i + 1 != expression.size();
}

void AppendIncluded(std::pmr::string& sql, const Candidate& candidate) {
  if (candidate.included.empty()) return;
  sql.append(" INCLUDE (");
  for (const CandidateKey& key : candidate.included) {
    if (&key != candidate.included.data()) sql.append(", ");
    text::AppendIdentifier(sql, key.text);
  }
  sql.append(")");
}

void AppendPredicate(std::pmr::string& sql, const Candidate& candidate) {
  if (!candidate.predicate.empty()) Append(sql, " WHERE ", candidate.predicate);
}

}  // namespace

std::pmr::string KeyList(const Candidate& candidate, std::pmr::memory_resource* memory) {
  std::pmr::string list("(", memory);
  for (const CandidateKey& key : candidate.keys) {
    if (list.size() > 1) list.append(", ");
    if (key.column != 0) {
      text::AppendIdentifier(list, key.text);
    } else if (NeedsParentheses(key.text)) {
      Append(list, "(", key.text, ")");
    } else {
      list.append(key.text);
    }
    if (!key.opclass.empty()) Append(list, " ", key.opclass);
    if (key.descending) list.append(" DESC");
    if (key.nulls_first != key.descending)
      list.append(key.nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
  list.append(")");
  return list;
}

std::pmr::string Columns(const Candidate& candidate, std::pmr::memory_resource* memory) {
  std::pmr::string out(memory);
  if (candidate.method != Method::kBtree) Append(out, "USING ", MethodName(candidate.method), " ");
  out.append(KeyList(candidate, memory));
  AppendIncluded(out, candidate);
  AppendPredicate(out, candidate);
  return out;
}

std::pmr::string ChooseName(const Snapshot& snapshot, const Candidate& candidate,
                            const std::pmr::vector<std::pmr::string>& taken,
                            std::pmr::memory_resource* memory) {
  const Table* table = snapshot.FindTable(candidate.table);
  std::pmr::string base(table == nullptr ? "index" : table->name, memory);
  for (const CandidateKey& key : candidate.keys) {
    base.append("_");
    if (key.column != 0) {
      base.append(key.text);
      continue;
    }
    // lower(email) becomes lower, as CREATE INDEX would name it; anything else is expr.
    const std::size_t open = NeedsParentheses(key.text) ? 0 : key.text.find('(');
    const std::string_view name = key.text.substr(0, open);
    const std::size_t dot = name.rfind('.');
    std::pmr::string last(open == 0                       ? "expr"
                          : dot == std::string_view::npos ? name
                                                          : name.substr(dot + 1),
                          memory);
    // SUBSTRING(... FROM ...) and its like are deparsed as keywords.
    for (char& c : last)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    base.append(last);
  }
  const auto is_taken = [&](std::string_view name) {
    if (std::any_of(taken.begin(), taken.end(), [&](const auto& other) { return other == name; }))
      return true;
    if (table == nullptr) return false;
    for (const Index& index : snapshot.indexes) {
      if (index.schema == table->schema && index.name == name) return true;
    }
    for (const Table& other : snapshot.tables) {
      if (other.schema == table->schema && other.name == name) return true;
    }
    return false;
  };
  std::pmr::string name = text::ObjectName(base, "_idx", memory);
  for (int i = 1; is_taken(name); ++i) {
    std::pmr::string suffix("_idx", memory);
    Append(suffix, text::Integer(i));
    name = text::ObjectName(base, suffix, memory);
  }
  return name;
}

std::pmr::string Definition(const Snapshot& snapshot, const Candidate& candidate,
                            std::string_view name, std::pmr::memory_resource* memory) {
  const Table* table = snapshot.FindTable(candidate.table);
  std::pmr::string sql(memory);
  if (table == nullptr) return sql;
  Append(sql, table->kind == 'p' ? "CREATE INDEX " : "CREATE INDEX CONCURRENTLY ");
  if (!name.empty()) {
    text::AppendIdentifier(sql, name);
    sql.append(" ");
  }
  sql.append("ON ");
  text::AppendQualified(sql, table->schema, table->name);
  Append(sql, " USING ", MethodName(candidate.method), " ", KeyList(candidate, memory));
  AppendIncluded(sql, candidate);
  AppendPredicate(sql, candidate);
  return sql;
}

}  // namespace assist::advise

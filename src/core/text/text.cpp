#include "core/text/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace assist::text {
namespace {

constexpr std::size_t kMaxNameBytes = 63;  // NAMEDATALEN - 1

// clang-format off
// Keywords that quote_identifier() quotes (all but the unreserved ones), of PostgreSQL 15 to 18. Sorted.
constexpr std::string_view kQuotedKeywords[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character",
    "check", "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create",
    "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct",
    "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign",
    "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in",
    "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull",
    "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading",
    "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national",
    "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset",
    "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position",
    "precision", "primary", "real", "references", "returning", "right", "row", "select",
    "session_user", "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user",
    "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true",
    "union", "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where",
    "window", "with", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest",
    "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable"};
// clang-format on

static_assert(std::is_sorted(std::begin(kQuotedKeywords), std::end(kQuotedKeywords)));

Short Format(const char* format, double number) {
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, format, number);
  return Short(buffer);
}

// Three significant digits at most, no zeros at the end: 1.53, 15.3, 153.
Short Significant(double number) {
  const double size = std::fabs(number);
  return Number(number, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

Short WithUnit(double number, std::string_view unit) {
  Short result = Significant(number);
  result.Append(unit);
  return result;
}

bool IsPlain(std::string_view name) {
  if (name.empty() || !(name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z'))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

// Whether the parenthesis that opens `text` is closed by its last character.
bool Enclosed(std::string_view text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return false;
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
    if (c == ')' && --depth == 0 && i + 1 < text.size()) return false;
  }
  return true;
}

std::string_view Strip(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  for (;;) {
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    if (!Enclosed(text)) return text;
    text = text.substr(1, text.size() - 2);
  }
}

}  // namespace

void Short::Append(std::string_view text) {
  const std::size_t room = data_.size() - size_;
  const std::size_t taken = std::min(room, text.size());
  std::memcpy(data_.data() + size_, text.data(), taken);
  size_ = static_cast<std::uint8_t>(size_ + taken);
}

Short Number(double number, int decimals) {
  char buffer[48];
  int size = std::snprintf(buffer, sizeof buffer, "%.*f", decimals, number);
  size = std::min(size, static_cast<int>(sizeof buffer) - 1);
  if (decimals > 0) {
    while (size > 0 && buffer[size - 1] == '0') --size;
    if (size > 0 && buffer[size - 1] == '.') --size;
  }
  const std::string_view view(buffer, static_cast<std::size_t>(size));
  return Short(view == "-0" ? std::string_view("0") : view);
}

Short Integer(std::int64_t number) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "%lld", static_cast<long long>(number));
  return Short(buffer);
}

Short Bytes(double bytes) {
  const double size = std::fabs(bytes);
  if (size < 1024) return WithUnit(std::round(bytes), " bytes");
  if (size < 1024.0 * 1024) return WithUnit(bytes / 1024, " kB");
  if (size < 1024.0 * 1024 * 1024) return WithUnit(bytes / (1024.0 * 1024), " MB");
  if (size < 1024.0 * 1024 * 1024 * 1024) return WithUnit(bytes / (1024.0 * 1024 * 1024), " GB");
  return WithUnit(bytes / (1024.0 * 1024 * 1024 * 1024), " TB");
}

Short Duration(double ms) {
  const double size = std::fabs(ms);
  if (size == 0) return Short("0 ms");
  if (size < 1) return WithUnit(ms * 1000, " us");
  if (size < 1000) return WithUnit(ms, " ms");
  if (size < 120e3) return WithUnit(ms / 1e3, " s");
  if (size < 2 * 3600e3) return WithUnit(ms / 60e3, " min");
  if (size < 2 * 86400e3) return WithUnit(ms / 3600e3, " h");
  return WithUnit(ms / 86400e3, " days");
}

Short Count(double count) {
  const double size = std::fabs(count);
  if (size >= 999.5e6) return WithUnit(count / 1e9, " billion");
  if (size >= 999.5e3) return WithUnit(count / 1e6, " million");
  if (size >= 999.5) {
    const double thousands = std::trunc(std::round(count) / 1000);
    Short result = Number(thousands, 0);
    result.Append(",");
    result.Append(Format("%03.0f", std::fabs(std::round(count) - thousands * 1000)));
    return result;
  }
  if (size >= 10 || count == std::round(count)) return Number(count, 0);
  return Number(count, 1);
}

Short Percent(double fraction) {
  const double percent = fraction * 100;
  if (percent > 0 && percent < 0.1) return Short("<0.1 %");
  Short result = Number(percent, std::fabs(percent) < 9.95 ? 1 : 0);
  result.Append(" %");
  return result;
}

Short MemorySetting(double bytes) {
  constexpr std::int64_t kKbPerMb = 1024, kKbPerGb = kKbPerMb * 1024;
  const auto kb = static_cast<std::int64_t>(bytes / 1024);
  // The largest unit that loses nothing, or less than a hundredth.
  const auto fits = [&](std::int64_t unit) {
    return kb >= 100 * unit || (kb >= unit && kb % unit == 0);
  };
  Short result;
  if (fits(kKbPerGb)) {
    result = Integer(kb / kKbPerGb);
    result.Append("GB");
  } else if (fits(kKbPerMb)) {
    result = Integer(kb / kKbPerMb);
    result.Append("MB");
  } else {
    result = Integer(kb);
    result.Append("kB");
  }
  return result;
}

void AppendIdentifier(std::pmr::string& out, std::string_view name) {
  if (IsPlain(name) &&
      !std::binary_search(std::begin(kQuotedKeywords), std::end(kQuotedKeywords), name)) {
    out.append(name);
    return;
  }
  out.push_back('"');
  for (const char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void AppendQualified(std::pmr::string& out, std::string_view schema, std::string_view name) {
  if (!schema.empty()) {
    AppendIdentifier(out, schema);
    out.push_back('.');
  }
  AppendIdentifier(out, name);
}

void AppendLiteral(std::pmr::string& out, std::string_view text) {
  if (text.find('\\') != std::string_view::npos) out.append("E");
  out.push_back('\'');
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
}

std::pmr::string ObjectName(std::string_view base, std::string_view suffix,
                            std::pmr::memory_resource* memory) {
  std::size_t room = kMaxNameBytes - std::min(kMaxNameBytes, suffix.size());
  if (base.size() > room) {
    // Not inside a UTF-8 sequence: continuation bytes are 10xxxxxx.
    while (room > 0 && (static_cast<unsigned char>(base[room]) & 0xC0) == 0x80) --room;
    base = base.substr(0, room);
  }
  std::pmr::string name(base, memory);
  name.append(suffix);
  return name;
}

bool SameExpression(std::string_view a, std::string_view b) {
  a = Strip(a);
  b = Strip(b);
  std::size_t i = 0, j = 0;
  for (;;) {
    while (i < a.size() && a[i] == ' ') ++i;
    while (j < b.size() && b[j] == ' ') ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (a[i++] != b[j++]) return false;
  }
}

}  // namespace assist::text

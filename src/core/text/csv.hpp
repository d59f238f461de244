// Comma-separated values as RFC 4180 has them: fields may be quoted, a quote in them is doubled,
// lines end with LF or CRLF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assist::text {

struct CsvError {
  std::size_t offset = 0;  // bytes
  std::size_t line = 0;    // from 1
  const char* problem = nullptr;
};

// Calls row(fields, line) for each line that is not empty; it returns nullptr, or what is wrong
// with the row, which ends the reading. False after an error.
template <typename F>
bool ReadCsv(std::string_view text, CsvError& error, F&& row) {
  std::vector<std::string> fields;
  std::size_t at = 0, line = 1;
  const auto fail = [&](std::size_t offset, std::size_t where, const char* problem) {
    error = {offset, where, problem};
    return false;
  };
  while (at < text.size()) {
    const std::size_t begin = at, first_line = line;
    fields.assign(1, {});
    bool quoted = false;  // the present field was
    for (;;) {
      if (at == text.size() || text[at] == '\n') break;
      const char c = text[at];
      if (c == '\r' && (at + 1 == text.size() || text[at + 1] == '\n')) {
        ++at;
        continue;
      }
      if (c == ',') {
        fields.emplace_back();
        quoted = false;
        ++at;
      } else if (c == '"' && fields.back().empty() && !quoted) {
        quoted = true;
        const std::size_t opened = at++;
        for (;; ++at) {
          if (at == text.size()) return fail(opened, first_line, "a quote is not closed");
          if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] != '"') break;
            ++at;
          }
          if (text[at] == '\n') ++line;
          fields.back() += text[at];
        }
        ++at;
      } else if (c == '"' || quoted) {
        return fail(at, line, "a quote stands inside a field; double it, and quote the field");
      } else {
        fields.back() += c;
        ++at;
      }
    }
    if (at < text.size()) {
      ++at;
      ++line;
    }
    if (fields.size() == 1 && fields[0].empty() && !quoted) continue;
    if (const char* problem = row(fields, first_line)) return fail(begin, first_line, problem);
  }
  return true;
}

}  // namespace assist::text

// A scanner of SQL tokens, as much as is needed to judge a text before a parser sees it and to find
// the literals left in one. Rules of PostgreSQL's lexer with standard_conforming_strings on.
// Allocates nothing, throws nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assist::sqlparse {

enum class TokenKind : std::uint8_t {
  kEnd,
  kWord,        // identifier or keyword, unquoted
  kQuotedName,  // "name", U&"name"
  kString,      // '..', E'..', N'..', U&'..', B'..', X'..', $tag$..$tag$, with '..' continued over
                // lines
  kNumber,
  kParameter,  // $1
  kOpen,       // ( [
  kClose,      // ) ]
  kComma,
  kSemicolon,
  kOperator,     // everything else
  kUnterminated  // string, quoted name or comment that does not end
};

struct Token {
  TokenKind kind;
  std::size_t begin;  // bytes
  std::size_t end;
};

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}
  Token Next() noexcept;  // skips white space and comments
  // Goes on at byte `offset` of the text, which is outside of any token.
  void MoveTo(std::size_t offset) noexcept { at_ = offset < sql_.size() ? offset : sql_.size(); }

 private:
  // 0 past the end, so that look-ahead needs no bounds check.
  char At(std::size_t i) const noexcept { return i < sql_.size() ? sql_[i] : '\0'; }
  bool SkipSpace() noexcept;  // false: a comment does not end
  bool SkipQuoted(char quote, bool backslashes) noexcept;
  bool SkipDollarQuoted() noexcept;
  TokenKind ScanString(bool backslashes) noexcept;

  std::string_view sql_;
  std::size_t at_ = 0;
};

// An upper bound of the depth of the parse tree of any statement in `sql`, in tokens: brackets and
// CASE nest, tokens within one chain; a comma, AND, OR and the like begin a new chain because the
// grammar makes flat lists of them. Joins and set operations nest to the left for the whole of
// their bracket. Stops counting at `enough`.
std::size_t NestingBound(std::string_view sql, std::size_t enough) noexcept;

// Characters (1-based) up to byte `offset`. REQUIRES: valid UTF-8.
int CharacterPosition(std::string_view sql, std::size_t offset) noexcept;

// Byte offset of the first invalid UTF-8 sequence or NUL; size() when there is none.
std::size_t FirstInvalidByte(std::string_view sql) noexcept;

}  // namespace assist::sqlparse

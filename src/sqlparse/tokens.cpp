// Scanner of SQL tokens: see tokens.hpp.

#include "sqlparse/tokens.hpp"

namespace assist::sqlparse {

namespace {

constexpr bool IsSpace(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool IsNameStart(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}
constexpr bool IsName(char c) noexcept { return IsNameStart(c) || IsDigit(c) || c == '$'; }
constexpr char Lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// `word` is a keyword in lower case.
bool Is(std::string_view token, std::string_view word) noexcept {
  if (token.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (Lower(token[i]) != word[i]) return false;
  }
  return true;
}

template <std::size_t N>
bool IsOneOf(std::string_view token, const std::string_view (&words)[N]) noexcept {
  for (std::string_view word : words) {
    if (Is(token, word)) return true;
  }
  return false;
}

// Operators of these are one token however long. Not '+' and '-': the lexer splits "+-+-" into
// four.
constexpr bool IsMunched(char c) noexcept {
  return c != '\0' && std::string_view("~!@#%^&|`?<>=*/").find(c) != std::string_view::npos;
}

// Their operands become a flat list, or another clause begins.
constexpr std::string_view kChainEnds[] = {"and", "or", "when", "then", "else"};
// Each of these may wrap all that stands before it in the same bracket, and begins another chain.
constexpr std::string_view kLeftNesting[] = {"join", "union", "intersect", "except"};

}  // namespace

bool Scanner::SkipSpace() noexcept {
  for (;;) {
    while (at_ < sql_.size() && IsSpace(sql_[at_])) ++at_;
    if (At(at_) == '-' && At(at_ + 1) == '-') {
      while (at_ < sql_.size() && sql_[at_] != '\n' && sql_[at_] != '\r') ++at_;
    } else if (At(at_) == '/' && At(at_ + 1) == '*') {
      std::size_t depth = 0;  // comments nest
      do {
        if (at_ >= sql_.size()) return false;
        if (At(at_) == '/' && At(at_ + 1) == '*') {
          ++depth;
          at_ += 2;
        } else if (At(at_) == '*' && At(at_ + 1) == '/') {
          --depth;
          at_ += 2;
        } else {
          ++at_;
        }
      } while (depth > 0);
    } else {
      return true;
    }
  }
}

// REQUIRES: at_ is on the opening quote. A doubled quote stands for one.
bool Scanner::SkipQuoted(char quote, bool backslashes) noexcept {
  ++at_;
  while (at_ < sql_.size()) {
    if (backslashes && sql_[at_] == '\\') {
      at_ += 2;
    } else if (sql_[at_] != quote) {
      ++at_;
    } else if (At(at_ + 1) == quote) {
      at_ += 2;
    } else {
      ++at_;
      return true;
    }
  }
  at_ = sql_.size();
  return false;
}

// REQUIRES: at_ is on '$'. Leaves at_ alone and returns true when this is no dollar quote.
bool Scanner::SkipDollarQuoted() noexcept {
  std::size_t tag_end = at_ + 1;
  if (IsNameStart(At(tag_end))) {
    while (IsName(At(tag_end)) && At(tag_end) != '$') ++tag_end;
  }
  if (At(tag_end) != '$') return true;
  const std::string_view tag = sql_.substr(at_, tag_end + 1 - at_);
  const std::size_t close = sql_.find(tag, tag_end + 1);
  if (close == std::string_view::npos) {
    at_ = sql_.size();
    return false;
  }
  at_ = close + tag.size();
  return true;
}

// REQUIRES: at_ is on the opening quote. 'a' <newline> 'b' is one literal.
TokenKind Scanner::ScanString(bool backslashes) noexcept {
  for (;;) {
    if (!SkipQuoted('\'', backslashes)) return TokenKind::kUnterminated;
    const std::size_t end = at_;
    if (!SkipSpace()) {
      at_ = end;
      return TokenKind::kString;
    }
    const std::string_view between = sql_.substr(end, at_ - end);
    if (At(at_) != '\'' || between.find_first_of("\n\r") == std::string_view::npos) {
      at_ = end;
      return TokenKind::kString;
    }
  }
}

Token Scanner::Next() noexcept {
  const bool comment_ends = SkipSpace();
  Token token{TokenKind::kEnd, at_, at_};
  if (!comment_ends) {
    token.kind = TokenKind::kUnterminated;
    return token;
  }
  if (at_ >= sql_.size()) return token;

  const char c = sql_[at_];
  const char next = At(at_ + 1);
  if (c == '\'') {
    token.kind = ScanString(false);
  } else if (next == '\'' &&
             (Lower(c) == 'e' || Lower(c) == 'n' || Lower(c) == 'b' || Lower(c) == 'x')) {
    ++at_;
    token.kind = ScanString(Lower(c) == 'e');
  } else if (Lower(c) == 'u' && next == '&' && (At(at_ + 2) == '\'' || At(at_ + 2) == '"')) {
    at_ += 2;
    if (sql_[at_] == '\'') {
      token.kind = ScanString(false);
    } else {
      token.kind = SkipQuoted('"', false) ? TokenKind::kQuotedName : TokenKind::kUnterminated;
    }
  } else if (c == '"') {
    token.kind = SkipQuoted('"', false) ? TokenKind::kQuotedName : TokenKind::kUnterminated;
  } else if (IsNameStart(c)) {
    while (IsName(At(at_))) ++at_;
    token.kind = TokenKind::kWord;
  } else if (IsDigit(c) || (c == '.' && IsDigit(next))) {
    // Generous: takes 0x1F, 1_000 and 1e-5 in one piece, also where 15 would split them.
    while (IsName(At(at_)) || At(at_) == '.' ||
           ((At(at_) == '-' || At(at_) == '+') && Lower(sql_[at_ - 1]) == 'e' &&
            IsDigit(At(at_ + 1)))) {
      ++at_;
    }
    token.kind = TokenKind::kNumber;
  } else if (c == '$') {
    if (IsDigit(next)) {
      ++at_;
      while (IsDigit(At(at_))) ++at_;
      token.kind = TokenKind::kParameter;
    } else if (!SkipDollarQuoted()) {
      token.kind = TokenKind::kUnterminated;
    } else if (at_ > token.begin) {
      token.kind = TokenKind::kString;
    } else {
      ++at_;
      token.kind = TokenKind::kOperator;
    }
  } else if (IsMunched(c)) {
    while (IsMunched(At(at_)) && !(At(at_) == '/' && At(at_ + 1) == '*')) ++at_;
    token.kind = TokenKind::kOperator;
  } else if (c == ':' && next == ':') {
    at_ += 2;
    token.kind = TokenKind::kOperator;
  } else {
    ++at_;
    token.kind = c == '(' || c == '['   ? TokenKind::kOpen
                 : c == ')' || c == ']' ? TokenKind::kClose
                 : c == ','             ? TokenKind::kComma
                 : c == ';'             ? TokenKind::kSemicolon
                                        : TokenKind::kOperator;
  }
  token.end = at_;
  return token;
}

namespace {

// One bracket, or CASE .. END, and the height of what stands in it.
struct Level {
  std::uint32_t chain = 0;    // tokens since the last separator
  std::uint32_t operand = 0;  // height of the highest bracket among them
  std::uint32_t highest = 0;  // of the chains before
  std::uint32_t left = 0;     // joins and set operations
  bool is_case = false;

  void EndChain() noexcept {
    if (chain + operand > highest) highest = chain + operand;
    chain = 0;
    operand = 0;
  }
  std::uint32_t Height() const noexcept {
    return left + (chain + operand > highest ? chain + operand : highest);
  }
};

}  // namespace

std::size_t NestingBound(std::string_view sql, std::size_t enough) noexcept {
  // More brackets than this are `enough` in themselves; so the scan needs no allocation.
  constexpr std::size_t kLevels = 512;
  Level levels[kLevels];
  std::size_t depth = 0;
  std::size_t bound = 0;

  const auto close = [&]() noexcept {
    const std::uint32_t height = levels[depth].Height() + 1;
    --depth;
    if (height > levels[depth].operand) levels[depth].operand = height;
  };
  const auto end_statement = [&]() noexcept {
    while (depth > 0) close();
    if (levels[0].Height() > bound) bound = levels[0].Height();
    levels[0] = {};
  };

  Scanner scanner(sql);
  for (;;) {
    const Token token = scanner.Next();
    const std::string_view text = sql.substr(token.begin, token.end - token.begin);
    bool opens = false;
    bool is_case = false;
    switch (token.kind) {
      case TokenKind::kEnd:
      case TokenKind::kUnterminated:
        end_statement();
        return bound < enough ? bound : enough;
      case TokenKind::kSemicolon:
        end_statement();
        continue;
      case TokenKind::kComma:
        levels[depth].EndChain();
        continue;
      case TokenKind::kOpen:
        opens = true;
        break;
      case TokenKind::kClose:
        while (depth > 0 && levels[depth].is_case) close();  // CASE without END: a column called so
        if (depth > 0) close();
        break;
      case TokenKind::kWord:
        if (IsOneOf(text, kChainEnds)) {
          levels[depth].EndChain();
        } else if (IsOneOf(text, kLeftNesting)) {
          levels[depth].EndChain();
          ++levels[depth].left;
        } else if (Is(text, "case")) {
          opens = is_case = true;
        } else if (Is(text, "end") && levels[depth].is_case) {
          close();
        }
        break;
      default:
        break;
    }
    ++levels[depth].chain;
    if (levels[depth].Height() >= enough) return enough;
    if (opens) {
      if (depth + 1 == kLevels) return enough;
      levels[++depth] = {};
      levels[depth].is_case = is_case;
    }
  }
}

int CharacterPosition(std::string_view sql, std::size_t offset) noexcept {
  int position = 1;
  for (std::size_t i = 0; i < offset && i < sql.size(); ++i) {
    if ((static_cast<unsigned char>(sql[i]) & 0xC0) != 0x80) ++position;
  }
  return position;
}

std::size_t FirstInvalidByte(std::string_view sql) noexcept {
  std::size_t i = 0;
  while (i < sql.size()) {
    const auto lead = static_cast<unsigned char>(sql[i]);
    if (lead == 0) return i;
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || i + length > sql.size()) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(sql[i + k]) & 0xC0) != 0x80) return i;
    }
    if (length > 2) {  // overlong forms, surrogates, above U+10FFFF
      const auto second = static_cast<unsigned char>(sql[i + 1]);
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
          (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
        return i;
      }
    }
    i += length;
  }
  return i;
}

}  // namespace assist::sqlparse

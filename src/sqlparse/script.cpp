// A psql script in pieces: see script.hpp.

#include "sqlparse/script.hpp"

namespace assist::sqlparse {

namespace {

bool Is(std::string_view token, std::string_view word) noexcept {
  if (token.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = token[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != word[i]) return false;
  }
  return true;
}

// Meta-commands that send the statement before them.
bool Sends(std::string_view name) noexcept {
  constexpr std::string_view kSending[] = {"g",     "gx",    "gexec",        "gset",
                                           "gdesc", "watch", "crosstabview", ";"};
  for (const std::string_view sending : kSending)
    if (name == sending) return true;
  return false;
}

}  // namespace

std::string_view MetaName(std::string_view meta) noexcept {
  std::size_t end = 1;
  const auto letter = [&](std::size_t i) {
    return (meta[i] >= 'a' && meta[i] <= 'z') || (meta[i] >= 'A' && meta[i] <= 'Z') ||
           meta[i] == '_';
  };
  while (end < meta.size() && letter(end)) ++end;
  if (end == 1 && meta.size() > 1) end = 2;  // \! \? \; \.
  return meta.substr(1, end - 1);
}

// To the end of the line, or to \\.
Piece ScriptReader::TakeMeta(std::size_t at) noexcept {
  Piece piece{PieceKind::kMeta, at, at, false};
  std::size_t end = at + 1;
  if (end < script_.size() && script_[end] == ';') {
    end += 1;
  } else {
    while (end < script_.size() && script_[end] != '\n' && script_[end] != '\r') {
      if (script_[end] == '\\' && end + 1 < script_.size() && script_[end + 1] == '\\' &&
          end > at + 1) {
        end += 2;
        break;
      }
      ++end;
    }
  }
  piece.end = at_ = end;
  scanner_.MoveTo(end);
  return piece;
}

// Behind the line of the statement up to a line \. or the end.
Piece ScriptReader::TakeCopyData() noexcept {
  copy_data_ = false;
  std::size_t begin = script_.find('\n', at_);
  begin = begin == std::string_view::npos ? script_.size() : begin + 1;
  std::size_t line = begin, end = script_.size();
  while (line < script_.size()) {
    std::size_t stop = script_.find('\n', line);
    const std::size_t next = stop == std::string_view::npos ? script_.size() : stop + 1;
    if (stop == std::string_view::npos) stop = script_.size();
    if (stop > line && script_[stop - 1] == '\r') --stop;
    if (script_.substr(line, stop - line) == "\\.") {
      end = next;
      break;
    }
    line = next;
  }
  at_ = end;
  scanner_.MoveTo(end);
  return {PieceKind::kCopyData, begin, end, false};
}

Piece ScriptReader::TakeStatement(std::size_t end) noexcept {
  const Piece piece{PieceKind::kStatement, begin_, end, unterminated_};
  copy_data_ = is_copy_ && from_stdin_;
  open_ = unterminated_ = is_copy_ = from_stdin_ = create_ = routine_ = from_ = false;
  depth_ = bodies_ = words_ = 0;
  return piece;
}

void ScriptReader::CountWord(std::string_view word) noexcept {
  if (is_copy_) {
    if (depth_ == 0 && Is(word, "from")) {
      from_ = true;
      return;
    }
    if (depth_ == 0 && from_ && Is(word, "stdin")) from_stdin_ = true;
  }
  from_ = false;
  // CREATE [OR REPLACE] {FUNCTION | PROCEDURE}: as psql counts it.
  ++words_;
  if (words_ == 1) {
    create_ = Is(word, "create");
    is_copy_ = Is(word, "copy");
  } else if (create_ && words_ <= 4 && (Is(word, "function") || Is(word, "procedure"))) {
    routine_ = true;
  }
  if (!routine_ || depth_ > 0) return;
  if (Is(word, "begin") || (bodies_ > 0 && Is(word, "case"))) {
    ++bodies_;
  } else if (bodies_ > 0 && Is(word, "end")) {
    --bodies_;
  }
}

Piece ScriptReader::Next() noexcept {
  if (copy_data_) {
    const Piece data = TakeCopyData();
    if (data.end > data.begin) return data;
  }
  for (;;) {
    const Token token = scanner_.Next();
    const std::string_view text = script_.substr(token.begin, token.end - token.begin);
    if (token.kind == TokenKind::kEnd) {
      if (!open_) return {PieceKind::kEnd, script_.size(), script_.size(), false};
      return TakeStatement(last_);
    }
    if (token.kind == TokenKind::kOperator && text == "\\") {
      const std::string_view rest = script_.substr(token.begin);
      const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
      if (open_ && Sends(MetaName(line))) {
        scanner_.MoveTo(token.begin);
        return TakeStatement(last_);
      }
      return TakeMeta(token.begin);
    }
    const std::size_t before = at_;
    at_ = token.end;
    if (token.kind == TokenKind::kSemicolon && depth_ == 0 && bodies_ == 0) {
      if (!open_) continue;
      return TakeStatement(last_);
    }
    if (!open_) {
      open_ = true;
      begin_ = token.begin;
      // A comment that does not end is a token without a beginning of its own: the parser is to see
      // it.
      if (token.kind == TokenKind::kUnterminated && begin_ == script_.size()) {
        begin_ = before;
        while (script_[begin_] == ' ' || (script_[begin_] >= '\t' && script_[begin_] <= '\r'))
          ++begin_;
      }
    }
    last_ = token.end;
    switch (token.kind) {
      case TokenKind::kUnterminated:
        unterminated_ = true;
        last_ = script_.size();
        scanner_.MoveTo(script_.size());
        break;
      case TokenKind::kOpen:
        ++depth_;
        break;
      case TokenKind::kClose:
        if (depth_ > 0) --depth_;
        break;
      case TokenKind::kWord:
        CountWord(text);
        break;
      default:
        break;
    }
  }
}

}  // namespace assist::sqlparse

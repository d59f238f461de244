// A psql script in pieces: statements, meta-commands, and the data behind COPY ... FROM STDIN.
// Splits where psql does: at semicolons outside of brackets, quotes, comments and BEGIN ATOMIC
// bodies, and at \g and its kin. Allocates nothing, throws nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sqlparse/tokens.hpp"

namespace assist::sqlparse {

enum class PieceKind : std::uint8_t { kEnd, kStatement, kMeta, kCopyData };

// Bytes [begin, end) of the script. A statement begins at its first token and ends before its
// semicolon; a meta-command inside of one comes before it and lies in its range.
struct Piece {
  PieceKind kind = PieceKind::kEnd;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool unterminated = false;  // a string, quoted name or comment in it does not end
};

class ScriptReader {
 public:
  explicit ScriptReader(std::string_view script) : script_(script), scanner_(script) {}
  Piece Next() noexcept;

 private:
  Piece TakeMeta(std::size_t at) noexcept;
  Piece TakeCopyData() noexcept;
  Piece TakeStatement(std::size_t end) noexcept;
  void CountWord(std::string_view word) noexcept;

  std::string_view script_;
  Scanner scanner_;
  bool open_ = false;  // inside a statement
  bool unterminated_ = false;
  bool copy_data_ = false;  // the next line begins data
  bool is_copy_ = false, from_stdin_ = false;
  std::size_t begin_ = 0;   // of the statement
  std::size_t last_ = 0;    // end of its last token
  std::size_t at_ = 0;      // behind the last token
  std::size_t depth_ = 0;   // brackets
  std::size_t bodies_ = 0;  // BEGIN ATOMIC and CASE in it
  std::size_t words_ = 0;   // words since its begin, as far as they are counted
  bool create_ = false, routine_ = false, from_ = false;
};

// The name of a meta-command without its backslash: "i", "gexec".
std::string_view MetaName(std::string_view meta) noexcept;

}  // namespace assist::sqlparse

// The splitter of psql scripts: pieces come in order, lie within the text, and end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sqlparse/script.hpp"

using namespace assist::sqlparse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ScriptReader reader(text);
  std::size_t pieces = 0, meta_end = 0, statement_end = 0;
  for (;;) {
    const Piece piece = reader.Next();
    if (piece.begin > piece.end || piece.end > size || ++pieces > size + 2) std::abort();
    if (piece.kind == PieceKind::kEnd) return 0;
    if (piece.kind == PieceKind::kStatement) {
      if (piece.begin < statement_end || piece.begin == piece.end) std::abort();
      statement_end = piece.end;
    } else {
      if (piece.begin < meta_end) std::abort();
      meta_end = piece.end;
      if (piece.kind == PieceKind::kMeta && MetaName(text.substr(piece.begin, piece.end - piece.begin)).size() >= piece.end - piece.begin)
        std::abort();
    }
  }
}

// Scripts are split where psql splits them.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sqlparse/script.hpp"

namespace assist::sqlparse {
namespace {

std::vector<std::string> Split(std::string_view script) {
  std::vector<std::string> pieces;
  ScriptReader reader(script);
  for (;;) {
    const Piece piece = reader.Next();
    if (piece.kind == PieceKind::kEnd) return pieces;
    const char* mark = piece.kind == PieceKind::kMeta       ? "meta "
                       : piece.kind == PieceKind::kCopyData ? "data "
                                                            : "";
    pieces.push_back(mark + std::string(script.substr(piece.begin, piece.end - piece.begin)));
  }
}

using Pieces = std::vector<std::string>;

TEST(Script, SplitsAtSemicolonsOutsideOfQuotes) {
  EXPECT_EQ(Split("a; b ';' ; c \";\" -- ;\n ; d $x$;$x$ /* ; */"),
            (Pieces{"a", "b ';'", "c \";\"", "d $x$;$x$"}));
  EXPECT_EQ(Split(" ;; \n"), Pieces{});
  EXPECT_EQ(Split("CREATE RULE r AS ON INSERT TO t DO (a; b); c"),
            (Pieces{"CREATE RULE r AS ON INSERT TO t DO (a; b)", "c"}));
}

TEST(Script, KeepsBodiesOfFunctionsTogether) {
  EXPECT_EQ(
      Split("CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN b END; c; END; d"),
      (Pieces{"CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN b END; c; END",
              "d"}));
  EXPECT_EQ(Split("BEGIN; a; END; b"), (Pieces{"BEGIN", "a", "END", "b"}));
}

TEST(Script, TellsMetaCommandsAndTheDataOfCopy) {
  EXPECT_EQ(Split("\\set a b;c\nd \\g\n\\i x"),
            (Pieces{"meta \\set a b;c", "d", "meta \\g", "meta \\i x"}));
  EXPECT_EQ(Split("COPY t (a) FROM stdin;\n1;2\n\\.\ne"),
            (Pieces{"COPY t (a) FROM stdin", "data 1;2\n\\.\n", "e"}));
  EXPECT_EQ(Split("COPY (SELECT 1 FROM stdin) TO STDOUT; e"),
            (Pieces{"COPY (SELECT 1 FROM stdin) TO STDOUT", "e"}));
  EXPECT_EQ(MetaName("\\ir x"), "ir");
  EXPECT_EQ(MetaName("\\! ls"), "!");
  EXPECT_EQ(MetaName("\\"), "");
}

TEST(Script, EndsWithinAnything) {
  EXPECT_EQ(Split("a 'b; c"), Pieces{"a 'b; c"});
  EXPECT_EQ(Split("a; \n /* b; c"), (Pieces{"a", "/* b; c"}));
  EXPECT_EQ(Split("a (b; c"), Pieces{"a (b; c"});
  EXPECT_EQ(Split("COPY t FROM stdin;"), Pieces{"COPY t FROM stdin"});
  EXPECT_EQ(Split("\\"), Pieces{"meta \\"});
}

}  // namespace
}  // namespace assist::sqlparse

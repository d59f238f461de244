// The parts of a CREATE INDEX statement as the server deparses it or the advisor writes it.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

namespace assist::migrate {

struct IndexStatement {
  bool unique = false;
  bool concurrently = false;
  bool only = false;
  std::string_view name;   // as spelled; may be qualified, may be empty
  std::string_view table;  // as spelled
  std::string_view rest;   // from USING or the key list to the end, without semicolon
};

// False when the text is not CREATE [UNIQUE] INDEX ... ON ...
bool ParseIndexStatement(std::string_view text, IndexStatement* statement);

// CREATE [UNIQUE] INDEX [CONCURRENTLY] name ON [ONLY] table rest [TABLESPACE before WHERE].
struct IndexForm {
  bool concurrently = false;
  bool only = false;
  std::string_view tablespace = {};  // unquoted; empty = as the statement says
};
std::pmr::string FormIndexStatement(const IndexStatement& statement, std::string_view name,
                                    std::string_view table, const IndexForm& form,
                                    std::pmr::memory_resource* memory);

// The last part of a possibly qualified, possibly quoted name, without quotes.
std::pmr::string UnquotedName(std::string_view name, std::pmr::memory_resource* memory);

}  // namespace assist::migrate

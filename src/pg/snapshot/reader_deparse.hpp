// The texts of an index: definition, predicate, expressions of keys.
#pragma once

#include <string_view>

#include "pg/memory.hpp"

namespace assist::pg::reader {

// Deparsing opens the index's table: it is done under a lock that can be had at once, or not at
// all. Texts live until the next call. Throws PgError.
class Deparser {
 public:
  Deparser() : scratch_("assist deparse") {}
  // False when the table is locked. `definition` is empty when the index is gone.
  bool Index(Oid index, Oid table, bool has_predicate, std::string_view* definition,
             std::string_view* predicate);
  bool Key(Oid index, Oid table, int place, std::string_view* expression);

 private:
  template <typename F>
  bool Locked(Oid table, F&& deparse);

  ScopedContext scratch_;
};

}  // namespace assist::pg::reader

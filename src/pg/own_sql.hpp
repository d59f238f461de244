// Fixed statements of the extension on its own tables, its views and the catalogs.
//
// They run under the id of the owner of schema assist, as the server's foreign-key triggers run
// under the table owner's, so that a caller needs no right on the tables. What makes that safe: the
// texts are literals of this library, every name in them is schema-qualified or found in pg_catalog
// by the pinned search_path, values are parameters, and the tables have columns of built-in types
// only: no function, operator, cast or domain of a user can be reached. Statements of users never
// run here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "pg/guard.hpp"

namespace assist::pg {

// While it lives, the current user is the extension's owner, search_path is pg_catalog, pg_temp,
// and capture is off. Puts all of it back when it goes. Throws PgError when the extension is not
// there.
class OwnerScope {
 public:
  OwnerScope();
  ~OwnerScope();
  OwnerScope(const OwnerScope&) = delete;
  OwnerScope& operator=(const OwnerScope&) = delete;

 private:
  Oid user_;
  int context_;
  int nest_level_;
};

// A value of a row, or one for a parameter. Integers, oids, booleans and "char" are `integer`;
// floats `real`; text, bytea, name, jsonb (out only) and everything else `text`; arrays of those are
// `items`.
struct Cell {
  enum class Kind : std::uint8_t { kNull, kInteger, kReal, kText, kArray };
  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;
  const Cell* items = nullptr;
  int count = 0;
};

// One row; its texts live until the visitor returns.
class Row {
 public:
  Row(const Cell* cells, int count) : cells_(cells), count_(count) {}
  int size() const { return count_; }
  bool IsNull(int i) const { return cells_[i].kind == Cell::Kind::kNull; }
  std::int64_t Integer(int i) const {
    return cells_[i].kind == Cell::Kind::kReal ? static_cast<std::int64_t>(cells_[i].real)
                                               : cells_[i].integer;
  }
  Oid Object(int i) const { return static_cast<Oid>(cells_[i].integer); }
  bool Flag(int i) const { return cells_[i].integer != 0; }
  char Letter(int i) const { return static_cast<char>(cells_[i].integer); }
  double Real(int i) const {
    return cells_[i].kind == Cell::Kind::kReal ? cells_[i].real
                                               : static_cast<double>(cells_[i].integer);
  }
  std::string_view Text(int i) const { return cells_[i].text; }
  std::span<const Cell> Items(int i) const {
    return {cells_[i].items, static_cast<std::size_t>(cells_[i].count)};
  }

 private:
  const Cell* cells_;
  int count_;
};

// A parameter of a statement.
struct Arg {
  enum class Type : std::uint8_t {
    kBool,
    kInt4,
    kInt8,
    kOid,
    kFloat8,
    kText,
    kBytes,
    kMoment,
    kInt8Array,
    kTextArray
  };
  Type type;
  bool null = false;
  std::int64_t integer = 0;  // kMoment: a TimestampTz
  double real = 0;
  std::string_view text;
  std::span<const std::int64_t> integers;
  std::span<const std::string_view> texts;

  static Arg Bool(bool value) { return {.type = Type::kBool, .integer = value}; }
  static Arg Int4(std::int32_t value) { return {.type = Type::kInt4, .integer = value}; }
  static Arg Int8(std::int64_t value) { return {.type = Type::kInt8, .integer = value}; }
  static Arg Object(Oid value) {
    return {.type = Type::kOid, .null = value == 0, .integer = value};
  }
  static Arg Real(double value) { return {.type = Type::kFloat8, .real = value}; }
  static Arg Text(std::string_view value) { return {.type = Type::kText, .text = value}; }
  static Arg Bytes(std::string_view value) { return {.type = Type::kBytes, .text = value}; }
  // Empty becomes NULL.
  static Arg TextOrNull(std::string_view value) {
    return {.type = Type::kText, .null = value.empty(), .text = value};
  }
  static Arg Moment(std::int64_t value) { return {.type = Type::kMoment, .integer = value}; }
  static Arg Integers(std::span<const std::int64_t> value) {
    return {.type = Type::kInt8Array, .integers = value};
  }
  static Arg Texts(std::span<const std::string_view> value) {
    return {.type = Type::kTextArray, .texts = value};
  }
  static Arg Null(Type type) { return {.type = type, .null = true}; }
};

// A running query; the loop of Query().
class Cursor {
 public:
  // `fresh`: sees what this command has written so far; else the active snapshot alone, which is
  // cheaper.
  Cursor(const char* sql, std::span<const Arg> args, bool fresh);
  // Calls visit(const Row&) for each row; it may throw.
  template <typename F>
  void ForEach(F&& visit) {
    for (int n = Fetch(); n > 0; n = Fetch()) {
      for (int i = 0; i < n; ++i)
        visit(Row(cells_ + static_cast<std::size_t>(i) * width_, columns_));
    }
    Close();
  }

 private:
  int Fetch();
  void Close();
  void* portal_ = nullptr;
  void* table_ = nullptr;  // of the rows of now
  MemoryContext batch_ = nullptr;
  const Cell* cells_ = nullptr;
  std::size_t width_ = 0;
  int columns_ = 0;
};

// REQUIRES (both): an OwnerScope, a transaction and an active snapshot. Throw PgError.
template <typename F>
void Query(const char* sql, std::span<const Arg> args, F&& visit) {
  Cursor(sql, args, false).ForEach(visit);
}
template <typename F>
void Query(const char* sql, F&& visit) {
  Cursor(sql, {}, false).ForEach(visit);
}
template <typename F>
void QueryFresh(const char* sql, std::span<const Arg> args, F&& visit) {
  Cursor(sql, args, true).ForEach(visit);
}
// Rows affected.
std::int64_t Execute(const char* sql, std::span<const Arg> args = {});

// The one row, first column of a statement, as a Datum in the memory context of the caller
// (composites included); null when there is no row.
struct Single {
  Datum value;
  bool null;
};
Single QuerySingle(const char* sql, std::span<const Arg> args);

}  // namespace assist::pg

// The extension's own statements: rights, parameters, rows.

#include "pg/own_sql.hpp"

extern "C" {
#include "catalog/namespace.h"  // for get_namespace_oid
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"  // for get_extension_oid
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

namespace {

// What names and texts mean must not depend on the caller, nor must the texts that the server
// deparses: they are compared with those of other sessions' analyses.
struct Pinned {
  const char* name;
  const char* value;
};
constexpr Pinned kPinned[] = {
    {"search_path", "pg_catalog, pg_temp"},
    {"standard_conforming_strings", "on"},
    {"quote_all_identifiers", "off"},
    {"extra_float_digits", "1"},
    {"DateStyle", "ISO, YMD"},
    {"IntervalStyle", "postgres"},
    {"TimeZone", "UTC"},
    {"bytea_output", "hex"},
    {"jit", "off"},  // the planner's costs of many relations look high enough for it
};

constexpr int kMaxArgs = 40;
constexpr long kFetch = 500;

Oid owner_of_schema() {
  const Oid oid = get_namespace_oid("assist", true);
  if (!OidIsValid(oid) || !OidIsValid(get_extension_oid("pg_assist", true)))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("extension \"pg_assist\" does not exist in this database"),
                    errhint("Use CREATE EXTENSION pg_assist.")));
  HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(oid));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for namespace %u", oid);
  const Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple))->nspowner;
  ReleaseSysCache(tuple);
  return owner;
}

void set_for_scope(const char* name, const char* value) {
  set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

Oid type_of(Arg::Type type) {
  switch (type) {
    case Arg::Type::kBool:
      return BOOLOID;
    case Arg::Type::kInt4:
      return INT4OID;
    case Arg::Type::kInt8:
      return INT8OID;
    case Arg::Type::kOid:
      return OIDOID;
    case Arg::Type::kFloat8:
      return FLOAT8OID;
    case Arg::Type::kText:
      return TEXTOID;
    case Arg::Type::kBytes:
      return BYTEAOID;
    case Arg::Type::kMoment:
      return TIMESTAMPTZOID;
    case Arg::Type::kInt8Array:
      return INT8ARRAYOID;
    case Arg::Type::kTextArray:
      return TEXTARRAYOID;
  }
  return InvalidOid;
}

Datum text_datum(std::string_view text) {
  return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

Datum datum_of(const Arg& arg) {
  switch (arg.type) {
    case Arg::Type::kBool:
      return BoolGetDatum(arg.integer != 0);
    case Arg::Type::kInt4:
      return Int32GetDatum(static_cast<int32>(arg.integer));
    case Arg::Type::kInt8:
      return Int64GetDatum(arg.integer);
    case Arg::Type::kOid:
      return ObjectIdGetDatum(static_cast<Oid>(arg.integer));
    case Arg::Type::kFloat8:
      return Float8GetDatum(arg.real);
    case Arg::Type::kText:
    case Arg::Type::kBytes:
      return text_datum(arg.text);
    case Arg::Type::kMoment:
      return TimestampTzGetDatum(arg.integer);
    case Arg::Type::kInt8Array: {
      const int n = static_cast<int>(arg.integers.size());
      auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(n + 1)));
      for (int i = 0; i < n; ++i)
        values[i] = Int64GetDatum(arg.integers[static_cast<std::size_t>(i)]);
      return PointerGetDatum(
          construct_array(values, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    }
    case Arg::Type::kTextArray: {
      const int n = static_cast<int>(arg.texts.size());
      auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(n + 1)));
      for (int i = 0; i < n; ++i) values[i] = text_datum(arg.texts[static_cast<std::size_t>(i)]);
      return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
    }
  }
  return Datum{0};
}

struct Bound {
  Oid types[kMaxArgs];
  Datum values[kMaxArgs];
  char nulls[kMaxArgs];
};

// In the current memory context.
Bound* bind_args(std::span<const Arg> args) {
  if (args.size() > kMaxArgs) elog(ERROR, "too many parameters");
  auto* bound = static_cast<Bound*>(palloc(sizeof(Bound)));
  for (std::size_t i = 0; i < args.size(); ++i) {
    bound->types[i] = type_of(args[i].type);
    bound->nulls[i] = args[i].null ? 'n' : ' ';
    bound->values[i] = args[i].null ? Datum{0} : datum_of(args[i]);
  }
  return bound;
}

[[noreturn]] void fail(const char* sql, int code) {
  elog(ERROR, "%s: %s", SPI_result_code_string(code), sql);
}

Cell make_cell(Oid type, Datum value);

Cell array_cell(Oid element, Datum value) {
  ArrayType* array = DatumGetArrayTypeP(value);
  int16 length;
  bool by_value;
  char align;
  get_typlenbyvalalign(element, &length, &by_value, &align);
  Datum* values;
  bool* nulls;
  int count;
  deconstruct_array(array, element, length, by_value, align, &values, &nulls, &count);
  auto* items = static_cast<Cell*>(palloc0(sizeof(Cell) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i)
    if (!nulls[i]) items[i] = make_cell(element, values[i]);
  Cell cell;
  cell.kind = Cell::Kind::kArray;
  cell.items = items;
  cell.count = count;
  return cell;
}

Cell integer_cell(std::int64_t value) {
  Cell cell;
  cell.kind = Cell::Kind::kInteger;
  cell.integer = value;
  return cell;
}

Cell real_cell(double value) {
  Cell cell;
  cell.kind = Cell::Kind::kReal;
  cell.real = value;
  return cell;
}

Cell text_cell(const char* text, std::size_t length) {
  Cell cell;
  cell.kind = Cell::Kind::kText;
  cell.text = {text, length};
  return cell;
}

Cell make_cell(Oid type, Datum value) {
  switch (type) {
    case BOOLOID:
      return integer_cell(DatumGetBool(value));
    case CHAROID:
      return integer_cell(DatumGetChar(value));
    case INT2OID:
      return integer_cell(DatumGetInt16(value));
    case INT4OID:
      return integer_cell(DatumGetInt32(value));
    case INT8OID:
      return integer_cell(DatumGetInt64(value));
    case OIDOID:
    case REGCLASSOID:
      return integer_cell(DatumGetObjectId(value));
    case TIMESTAMPTZOID:
      return integer_cell(DatumGetTimestampTz(value));
    case FLOAT4OID:
      return real_cell(DatumGetFloat4(value));
    case FLOAT8OID:
      return real_cell(DatumGetFloat8(value));
    case NAMEOID:
      return text_cell(NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))));
    case TEXTOID:
    case BYTEAOID: {
      text* plain = DatumGetTextPP(value);
      return text_cell(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
    }
    default:
      break;
  }
  const Oid element = get_element_type(type);
  if (OidIsValid(element)) return array_cell(element, value);
  Oid output;
  bool varlena;
  getTypeOutputInfo(type, &output, &varlena);
  const char* text = OidOutputFunctionCall(output, value);
  return text_cell(text, strlen(text));
}

void deform_row(HeapTuple tuple, TupleDesc desc, Cell* cells) {
  for (int i = 0; i < desc->natts; ++i) {
    bool null;
    const Datum value = SPI_getbinval(tuple, desc, i + 1, &null);
    cells[i] = null ? Cell() : make_cell(TupleDescAttr(desc, i)->atttypid, value);
  }
}

}  // namespace

OwnerScope::OwnerScope() {
  Guarded([&] {
    GetUserIdAndSecContext(&user_, &context_);
    const Oid owner = owner_of_schema();
    nest_level_ = NewGUCNestLevel();
    for (const Pinned& item : kPinned) set_for_scope(item.name, item.value);
    if (GetConfigOption("assist.track", true, false) != nullptr)
      set_for_scope("assist.track", "none");
    SetUserIdAndSecContext(owner, context_ | SECURITY_LOCAL_USERID_CHANGE |
                                      SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
  });
}

OwnerScope::~OwnerScope() {
  SetUserIdAndSecContext(user_, context_);
  try {
    Guarded([&] { AtEOXact_GUC(true, nest_level_); });
  } catch (...) {
    // Putting a setting back cannot fail but for memory; the transaction's end does it again.
  }
}

Cursor::Cursor(const char* sql, std::span<const Arg> args, bool fresh) {
  Guarded([&] {
    MemoryContext caller = CurrentMemoryContext;
    const int code = SPI_connect();
    if (code != SPI_OK_CONNECT) fail(sql, code);
    Bound* bound = bind_args(args);
    SPIPlanPtr plan = SPI_prepare(sql, static_cast<int>(args.size()), bound->types);
    if (plan == nullptr) fail(sql, SPI_result);
    portal_ = SPI_cursor_open(nullptr, plan, bound->values, bound->nulls, !fresh);
    batch_ =
        AllocSetContextCreateInternal(CurrentMemoryContext, "assist rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(caller);
  });
}

int Cursor::Fetch() {
  return Guarded([&] {
    CHECK_FOR_INTERRUPTS();
    MemoryContext caller = CurrentMemoryContext;
    MemoryContextReset(batch_);
    if (table_ != nullptr) SPI_freetuptable(static_cast<SPITupleTable*>(table_));
    SPI_cursor_fetch(static_cast<Portal>(portal_), true, kFetch);
    const auto n = static_cast<int>(SPI_processed);
    // By-reference values point into its tuples: it stays until the next fetch.
    SPITupleTable* table = SPI_tuptable;
    table_ = table;
    if (n > 0) {
      MemoryContextSwitchTo(batch_);
      columns_ = table->tupdesc->natts;
      width_ = static_cast<std::size_t>(columns_);
      auto* cells = static_cast<Cell*>(palloc0(sizeof(Cell) * width_ * static_cast<Size>(n)));
      for (int i = 0; i < n; ++i)
        deform_row(table->vals[i], table->tupdesc, cells + static_cast<std::size_t>(i) * width_);
      cells_ = cells;
    }
    MemoryContextSwitchTo(caller);
    return n;
  });
}

void Cursor::Close() {
  Guarded([&] {
    MemoryContext caller = CurrentMemoryContext;
    SPI_cursor_close(static_cast<Portal>(portal_));
    SPI_finish();
    MemoryContextSwitchTo(caller);
  });
}

std::int64_t Execute(const char* sql, std::span<const Arg> args) {
  return Guarded([&] {
    MemoryContext caller = CurrentMemoryContext;
    int code = SPI_connect();
    if (code != SPI_OK_CONNECT) fail(sql, code);
    Bound* bound = bind_args(args);
    code = SPI_execute_with_args(sql, static_cast<int>(args.size()), bound->types, bound->values,
                                 bound->nulls, false, 0);
    if (code < 0) fail(sql, code);
    const auto rows = static_cast<std::int64_t>(SPI_processed);
    SPI_finish();
    MemoryContextSwitchTo(caller);
    return rows;
  });
}

Single QuerySingle(const char* sql, std::span<const Arg> args) {
  return Guarded([&] {
    MemoryContext caller = CurrentMemoryContext;
    int code = SPI_connect();
    if (code != SPI_OK_CONNECT) fail(sql, code);
    Bound* bound = bind_args(args);
    code = SPI_execute_with_args(sql, static_cast<int>(args.size()), bound->types, bound->values,
                                 bound->nulls, false, 1);
    if (code < 0) fail(sql, code);
    Single single = {Datum{0}, true};
    if (SPI_processed > 0) {
      TupleDesc desc = SPI_tuptable->tupdesc;
      single.value = SPI_getbinval(SPI_tuptable->vals[0], desc, 1, &single.null);
      if (!single.null) {
        MemoryContextSwitchTo(caller);
        single.value = datumCopy(single.value, TupleDescAttr(desc, 0)->attbyval,
                                 TupleDescAttr(desc, 0)->attlen);
      }
    }
    SPI_finish();
    MemoryContextSwitchTo(caller);
    return single;
  });
}

}  // namespace assist::pg

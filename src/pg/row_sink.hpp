// Rows of a set-returning function: collected in a tuplestore, one column after the other.
#pragma once

#include "pg/guard.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace assist::pg {

// snake_case colour: its methods may ereport and hold nothing to destroy. Columns are given in order; a row
// ends with end_row().
class RowSink {
 public:
  // REQUIRES: the function returns SETOF RECORD and its call allows materialisation.
  explicit RowSink(FunctionCallInfo fcinfo) {
    InitMaterializedSRF(fcinfo, 0);
    info_ = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    row_context_ = AllocSetContextCreateInternal(CurrentMemoryContext, "assist row", ALLOCSET_DEFAULT_SIZES);
    outer_ = MemoryContextSwitchTo(row_context_);
  }
  void datum(Datum value) {
    Assert(column_ < info_->setDesc->natts);
    values_[column_] = value;
    nulls_[column_++] = false;
  }
  void null() {
    Assert(column_ < info_->setDesc->natts);
    values_[column_] = Datum{0};
    nulls_[column_++] = true;
  }
  void oid(Oid value) { value != InvalidOid ? datum(ObjectIdGetDatum(value)) : null(); }
  void boolean(bool value) { datum(BoolGetDatum(value)); }
  void int4(int32 value) { datum(Int32GetDatum(value)); }
  void int8(int64 value) { datum(Int64GetDatum(value)); }
  void float8(double value) { datum(Float8GetDatum(value)); }
  void moment(TimestampTz value) { value != 0 ? datum(TimestampTzGetDatum(value)) : null(); }
  void text(const char* value) { value != nullptr ? datum(CStringGetTextDatum(value)) : null(); }
  void text(const char* value, Size length) {
    datum(PointerGetDatum(cstring_to_text_with_len(value, static_cast<int>(length))));
  }
  void end_row() {
    tuplestore_putvalues(info_->setResult, info_->setDesc, values_, nulls_);
    MemoryContextReset(row_context_);
    column_ = 0;
  }
  void finish() {
    MemoryContextSwitchTo(outer_);
    MemoryContextDelete(row_context_);
  }
  MemoryContext row_context() const { return row_context_; }

 private:
  static constexpr int kMostColumns = 64;
  ReturnSetInfo* info_;
  MemoryContext row_context_, outer_;
  int column_ = 0;
  Datum values_[kMostColumns];
  bool nulls_[kMostColumns];
};

// Whether the current role may read what other roles did.
bool reads_all_stats();

}  // namespace assist::pg

// The error boundary between the server (ERROR by longjmp) and C++ (exceptions).
//
// Two colours, told by the name. snake_case may ereport and holds only trivially destructible objects;
// CamelCase may throw and never lets an ERROR through. Across a Guarded() call anything may be alive;
// across a bare server call, nothing with a destructor.
#pragma once

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "pg/server.hpp"

extern "C" {
#include "access/xact.h"     // for subtransactions
#include "fmgr.h"            // for PG_FUNCTION_ARGS
#include "miscadmin.h"       // for InterruptHoldoffCount
#include "utils/memutils.h"  // for MemoryContext
#include "utils/resowner.h"  // for CurrentResourceOwner
}

namespace assist::pg {

// A server ERROR on its way through C++. Owns nothing: `data` lives in the memory context that was
// current when Guarded() was entered, and goes with it.
class PgError final : public std::exception {
 public:
  explicit PgError(ErrorData* data) : data_(data) {}
  const char* what() const noexcept override {
    return data_ != nullptr && data_->message != nullptr ? data_->message : "server error";
  }
  ErrorData* data() const noexcept { return data_; }
  int sqlstate() const noexcept { return data_ != nullptr ? data_->sqlerrcode : ERRCODE_OUT_OF_MEMORY; }
  // Cancel, timeout and shutdown must never be swallowed.
  bool is_interrupt() const noexcept;

 private:
  ErrorData* data_;
};

// An error of ours: SQLSTATE, message and hint in fixed buffers, so that throwing cannot run out of memory
// and copying cannot throw.
class AssistError final : public std::exception {
 public:
  AssistError(int sqlstate, const char* message, const char* hint = "", int position = 0) noexcept;
  const char* what() const noexcept override { return message_; }
  int sqlstate() const noexcept { return sqlstate_; }
  const char* hint() const noexcept { return hint_; }
  int position() const noexcept { return position_; }

 private:
  int sqlstate_;
  int position_;  // 1-based character position in the argument's text, 0 = none
  char message_[512];
  char hint_[512];
};

// What a longjmp to our own handler must put back.
struct ServerState {
  sigjmp_buf* exception_stack;
  ErrorContextCallback* context_stack;
  MemoryContext memory;
  uint32 interrupt_holdoff;
  uint32 cancel_holdoff;
  static ServerState Read() noexcept {
    return {PG_exception_stack, error_context_stack, CurrentMemoryContext, InterruptHoldoffCount,
            QueryCancelHoldoffCount};
  }
  // errfinish() zeroes the holdoff counters and may leave another memory context.
  void Reinstate() const noexcept {
    MemoryContextSwitchTo(memory);
    InterruptHoldoffCount = interrupt_holdoff;
    QueryCancelHoldoffCount = cancel_holdoff;
  }
};

struct StackRestore {
  const ServerState& saved;
  ~StackRestore() {
    PG_exception_stack = saved.exception_stack;
    error_context_stack = saved.context_stack;
  }
};

// CopyErrorData + FlushErrorState; nullptr when even that fails. noexcept, never longjmps.
ErrorData* CopyCurrentError() noexcept;

// server -> C++: runs `f`, turns an ERROR into PgError. 27 ns a call.
// REQUIRES: `f` captures by reference (trivially destructible) and creates nothing with a destructor.
template <typename F>
auto Guarded(F&& f) -> std::invoke_result_t<F&> {
  using R = std::invoke_result_t<F&>;
  static_assert(std::is_trivially_destructible_v<std::remove_reference_t<F>>);
  static_assert(std::is_void_v<R> || std::is_trivially_copyable_v<R>);
  const ServerState saved = ServerState::Read();
  {
    StackRestore restore{saved};
    sigjmp_buf buf;
    if (sigsetjmp(buf, 0) == 0) {
      PG_exception_stack = &buf;
      return f();
    }
  }
  saved.Reinstate();
  throw PgError(CopyCurrentError());
}

// Runs `f` in an internal subtransaction. Returns nullptr when it committed; otherwise rolls back first
// and returns the ERROR, for the caller to swallow or report. Cancel and shutdown are thrown on, after
// the rollback. Exceptions of `f` roll back and propagate.
template <typename F>
ErrorData* TrySubtransaction(F&& f) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  Guarded([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(memory);
  });
  auto roll_back = [&]() noexcept {
    try {
      Guarded([&] {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(memory);
        CurrentResourceOwner = owner;
      });
    } catch (...) {
      // A failing rollback leaves the transaction aborted; the caller's next server call says so.
      MemoryContextSwitchTo(memory);
      CurrentResourceOwner = owner;
    }
  };
  try {
    f();
    Guarded([&] {
      ReleaseCurrentSubTransaction();
      MemoryContextSwitchTo(memory);
      CurrentResourceOwner = owner;
    });
    return nullptr;
  } catch (const PgError& error) {
    roll_back();
    if (error.data() == nullptr || error.is_interrupt()) throw;
    return error.data();
  } catch (...) {
    roll_back();
    throw;
  }
}

// The same, but `f`'s work is undone also when it succeeds: planning keeps its locks otherwise.
template <typename F>
ErrorData* InDiscardedSubtransaction(F&& f);

// A pending ERROR that was an exception: a POD, so that it survives until every handler is left.
struct Pending {
  ErrorData* error;
  int sqlstate;
  int position;
  char message[512];
  char hint[512];
  void CaptureCurrent() noexcept;    // REQUIRES: inside a catch handler; no palloc there
  [[noreturn]] void raise_error();   // ereports; REQUIRES: outside every handler
};

// C++ -> server: the only way in from SQL.
template <auto Impl>
Datum Enter(FunctionCallInfo fcinfo) {
  Pending pending;
  pending.error = nullptr;
  try {
    return Impl(fcinfo);
  } catch (...) {
    pending.CaptureCurrent();
  }
  pending.raise_error();
}

}  // namespace assist::pg

#define ASSIST_SQL_FUNCTION(name)                                           \
  static Datum name##_impl(FunctionCallInfo fcinfo);                        \
  extern "C" {                                                              \
  PG_FUNCTION_INFO_V1(name);                                                \
  Datum name(PG_FUNCTION_ARGS) { return assist::pg::Enter<name##_impl>(fcinfo); } \
  }                                                                         \
  static Datum name##_impl([[maybe_unused]] FunctionCallInfo fcinfo)

namespace assist::pg {

template <typename F>
ErrorData* InDiscardedSubtransaction(F&& f) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  Guarded([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(memory);
  });
  auto roll_back = [&] {
    Guarded([&] {
      RollbackAndReleaseCurrentSubTransaction();
      MemoryContextSwitchTo(memory);
      CurrentResourceOwner = owner;
    });
  };
  try {
    f();
  } catch (const PgError& error) {
    roll_back();
    if (error.data() == nullptr || error.is_interrupt()) throw;
    return error.data();
  } catch (...) {
    roll_back();
    throw;
  }
  roll_back();
  return nullptr;
}

}  // namespace assist::pg

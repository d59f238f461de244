// Error boundary: copying a server error out, and raising ours.

#include "pg/guard.hpp"

#include <cstring>

namespace assist::pg {

namespace {

void CopyText(char* to, std::size_t size, const char* from) noexcept {
  const std::size_t n = std::strlen(from) < size ? std::strlen(from) : size - 1;
  std::memcpy(to, from, n);
  to[n] = '\0';
}

}  // namespace

AssistError::AssistError(int sqlstate, const char* message, const char* hint, int position) noexcept
    : sqlstate_(sqlstate), position_(position) {
  CopyText(message_, sizeof message_, message);
  CopyText(hint_, sizeof hint_, hint);
}

bool PgError::is_interrupt() const noexcept {
  switch (sqlstate()) {
    case ERRCODE_QUERY_CANCELED:
    case ERRCODE_ADMIN_SHUTDOWN:
    case ERRCODE_CRASH_SHUTDOWN:
    case ERRCODE_IDLE_SESSION_TIMEOUT:
      return true;
    default:
      return false;
  }
}

ErrorData* CopyCurrentError() noexcept {
  const ServerState saved = ServerState::Read();
  StackRestore restore{saved};
  sigjmp_buf buf;
  ErrorData* volatile data = nullptr;
  if (sigsetjmp(buf, 0) == 0) {
    PG_exception_stack = &buf;
    data = CopyErrorData();
  }
  saved.Reinstate();
  FlushErrorState();
  return data;
}

void Pending::CaptureCurrent() noexcept {
  error = nullptr;
  position = 0;
  sqlstate = ERRCODE_INTERNAL_ERROR;
  message[0] = hint[0] = '\0';
  try {
    throw;
  } catch (const PgError& e) {
    error = e.data();
    if (error == nullptr) {
      sqlstate = ERRCODE_OUT_OF_MEMORY;
      CopyText(message, sizeof message, "out of memory");
    }
  } catch (const AssistError& e) {
    sqlstate = e.sqlstate();
    position = e.position();
    CopyText(message, sizeof message, e.what());
    CopyText(hint, sizeof hint, e.hint());
  } catch (const std::bad_alloc&) {
    sqlstate = ERRCODE_OUT_OF_MEMORY;
    CopyText(message, sizeof message, "out of memory");
  } catch (const std::exception& e) {
    CopyText(message, sizeof message, e.what());
  } catch (...) {
    CopyText(message, sizeof message, "unexpected C++ exception");
  }
}

void Pending::raise_error() {
  if (error != nullptr) ReThrowError(error);
  ereport(ERROR, (errcode(sqlstate), errmsg_internal("%s", message),
                  hint[0] != '\0' ? errhint("%s", hint) : 0,
                  position > 0 ? errposition(position) : 0));
}

}  // namespace assist::pg

// The SQLSTATE of a failure. An error context callback of ours lies at the bottom of the server's stack of
// them: the server calls it for each ERROR, also when PL/pgSQL catches it and when nothing is logged, and only
// there is the code known to others. The log hook adds the message where there is one.
//
// The callback is one static object that is put there when a statement starts and never taken off: whoever
// pushes and pops above it does not notice, and the main loop empties the stack after an ERROR.

#include "capture/capture.hpp"

namespace assist::capture {

int last_sqlstate = 0;
char last_message[104] = "";

namespace {
emit_log_hook_type previous_emit_log = nullptr;
bool inside = false;

void on_log(ErrorData* error) {
  if (!inside && error->elevel >= ERROR) {
    inside = true;
    last_sqlstate = error->sqlerrcode;
    // The format before translation and substitution: values of the statement are not in it.
    strlcpy(last_message, error->message_id != nullptr ? error->message_id : "", sizeof last_message);
    inside = false;
  }
  if (previous_emit_log != nullptr) previous_emit_log(error);
}
}  // namespace

namespace {

void note_error(void*) {
  const int code = geterrcode();
  const int category = ERRCODE_TO_CATEGORY(code);
  // Called for notices and warnings too; those do not end a statement.
  if (category == ERRCODE_SUCCESSFUL_COMPLETION || category == ERRCODE_WARNING ||
      category == ERRCODE_NO_DATA)
    return;
  if (code != last_sqlstate) last_message[0] = '\0';
  last_sqlstate = code;
}

}  // namespace

ErrorContextCallback error_watch = {nullptr, note_error, nullptr};

void put_error_watch() {
  ErrorContextCallback** at = &error_context_stack;
  while (*at != nullptr && *at != &error_watch) at = &(*at)->previous;
  *at = &error_watch;
}

void forget_error() {
  last_sqlstate = 0;
  last_message[0] = '\0';
}

void install_error_hook() {
  previous_emit_log = emit_log_hook;
  emit_log_hook = on_log;
}

}  // namespace assist::capture

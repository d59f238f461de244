// The SQLSTATE of a failure. An error context callback stands around every piece of the executor and the
// planner that we enter: the server calls it for each ERROR, also when PL/pgSQL catches it and when nothing
// is logged, and only there is the code known to others. The log hook adds the message where there is one.

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

void forget_error() {
  last_sqlstate = 0;
  last_message[0] = '\0';
}

void install_error_hook() {
  previous_emit_log = emit_log_hook;
  emit_log_hook = on_log;
}

}  // namespace assist::capture

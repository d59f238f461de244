// Work of our own that must not be recorded: planning for what-if, the analyst's queries.
#pragma once

// Hidden: reached without the offset table.
#pragma GCC visibility push(hidden)

namespace assist::pg {

// Set by capture when it is installed; nullptr without preload.
extern void (*on_suppress)();
extern int capture_suppressed;

inline void suppress_capture() {
  ++capture_suppressed;
  if (on_suppress != nullptr) on_suppress();
}
inline void resume_capture() { --capture_suppressed; }

// For C++ scopes; an exception ends it too.
class CaptureSuppressed {
 public:
  CaptureSuppressed() { suppress_capture(); }
  ~CaptureSuppressed() { resume_capture(); }
  CaptureSuppressed(const CaptureSuppressed&) = delete;
  CaptureSuppressed& operator=(const CaptureSuppressed&) = delete;
};

}  // namespace assist::pg

#pragma GCC visibility pop

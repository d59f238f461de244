// A time limit for a piece of work that runs users' code: planning folds their immutable functions.
#pragma once

#include "pg/guard.hpp"

namespace assist::pg {

// While it lives, the work is cancelled (ERROR 57014) once `ms` have passed. Not to be nested.
class TimeLimit {
 public:
  explicit TimeLimit(int ms);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  // Whether this limit, and not the user or statement_timeout, is why the work was cancelled. Asked once.
  bool Exceeded(const PgError& error) noexcept;

 private:
  bool statement_timeout_;  // was running when this began
};

}  // namespace assist::pg

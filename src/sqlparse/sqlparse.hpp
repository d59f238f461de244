// SQL text without a server, for C++: see sqlparse.h for what each call gives and refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sqlparse/sqlparse.h"

namespace assist::sqlparse {

// A text that sqlparse allocated, or the reason why there is none.
class Result {
 public:
  Result() = default;
  Result(Result&& other) noexcept { *this = std::move(other); }
  Result& operator=(Result&& other) noexcept {
    std::swap(text_, other.text_);
    std::swap(bytes_, other.bytes_);
    std::swap(status, other.status);
    std::swap(error, other.error);
    return *this;
  }
  ~Result() { sqlparse_free(text_); }

  explicit operator bool() const noexcept { return status == SQLPARSE_OK; }
  std::string_view text() const noexcept { return {text_ != nullptr ? text_ : "", bytes_}; }

  sqlparse_status status = SQLPARSE_OK;
  sqlparse_error error{};

 private:
  friend Result Normalize(std::string_view sql) noexcept;
  friend Result ParseToJson(std::string_view sql) noexcept;
  friend Result Deparse(std::string_view sql) noexcept;

  char* text_ = nullptr;
  std::size_t bytes_ = 0;
};

inline Result Normalize(std::string_view sql) noexcept {
  Result result;
  result.status =
      sqlparse_normalize(sql.data(), sql.size(), &result.text_, &result.bytes_, &result.error);
  return result;
}

inline Result ParseToJson(std::string_view sql) noexcept {
  Result result;
  result.status =
      sqlparse_parse(sql.data(), sql.size(), &result.text_, &result.bytes_, &result.error);
  return result;
}

inline Result Deparse(std::string_view sql) noexcept {
  Result result;
  result.status =
      sqlparse_deparse(sql.data(), sql.size(), &result.text_, &result.bytes_, &result.error);
  return result;
}

struct Fingerprint {
  std::uint64_t value = 0;
  sqlparse_status status = SQLPARSE_OK;
  sqlparse_error error{};
};

inline Fingerprint FingerprintOf(std::string_view sql) noexcept {
  Fingerprint result;
  result.status = sqlparse_fingerprint(sql.data(), sql.size(), &result.value, &result.error);
  return result;
}

}  // namespace assist::sqlparse

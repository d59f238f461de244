// The SQL parser's layer: no crash, no report of a sanitizer; a normalized text normalizes to itself.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sqlparse/sqlparse.hpp"

using namespace assist::sqlparse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const Result normal = Normalize(sql);
  FingerprintOf(sql);
  ParseToJson(sql);
  Deparse(sql);
  if (!normal) return 0;
  const Result again = Normalize(normal.text());
  if (again && again.text() != normal.text()) std::abort();
  return 0;
}

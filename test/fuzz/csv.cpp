// Comma-separated values: any text is read or refused at a place inside of it.
#include <cstdint>
#include <cstdlib>

#include "core/text/csv.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t bytes = 0, last_line = 0;
  assist::text::CsvError error;
  const bool read = ReadCsv(text, error, [&](const auto& fields, std::size_t line) -> const char* {
    if (fields.empty() || line <= last_line) std::abort();
    last_line = line;
    for (const std::string& field : fields) bytes += field.size();
    return nullptr;
  });
  if (bytes > size || (!read && (error.offset >= size || error.problem == nullptr))) std::abort();
  return 0;
}

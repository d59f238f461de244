// ParseIndexStatement: whatever it accepts can be formed again and is then read as the same.
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string>
#include <string_view>

#include "core/migrate/index_statement.hpp"

using namespace assist::migrate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto* memory = std::pmr::get_default_resource();
  UnquotedName(text, memory);
  IndexStatement statement;
  if (!ParseIndexStatement(text, &statement)) return 0;
  const auto again = FormIndexStatement(statement, statement.name, statement.table,
                                        {.concurrently = statement.concurrently, .only = statement.only}, memory);
  IndexStatement second;
  if (statement.name.empty() || statement.table.empty()) return 0;
  if (!ParseIndexStatement(again, &second) || second.name != statement.name || second.table != statement.table ||
      second.unique != statement.unique)
    std::abort();
  return 0;
}

// Masking in the current memory context.

#include "pg/masked_text.hpp"

#include "core/text/sensitive.hpp"
#include "pg/mask.hpp"
#include "pg/memory.hpp"

namespace assist::pg {

std::string_view MaskedCopy(std::string_view text, Hide hide) {
  ContextResource memory(CurrentMemoryContext);
  const auto room = [&memory](std::size_t bytes) { return static_cast<char*>(memory.allocate(bytes + 1, 1)); };
  if (hide == Hide::kConstants) {
    char* without = room(text.size());  // ? is no longer than a constant
    const int used = mask_constants(text.data(), static_cast<int>(text.size()), 0, without);
    without[used] = '\0';
    text = {without, static_cast<std::size_t>(used)};
  }
  std::pmr::string masked(&memory);
  text::AppendMasked(masked, text);
  char* copy = room(masked.size());
  memcpy(copy, masked.data(), masked.size());
  copy[masked.size()] = '\0';
  return {copy, masked.size()};
}

}  // namespace assist::pg

// Recognition of personal data and secrets: it stays within the text, never makes it much longer, and leaves what it
// wrote itself.
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <string>

#include "core/text/sensitive.hpp"

static std::string Mask(std::string_view text) {
  std::pmr::string out(std::pmr::new_delete_resource());
  assist::text::AppendMasked(out, text);
  return std::string(out);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string once = Mask(text);
  if (once.size() > text.size() * 10) std::abort();
  std::size_t masks = 0, after = 0;
  const auto count = [](std::string_view in) {
    std::size_t n = 0;
    for (const std::string_view mask : {"[email]", "[card]", "[phone]", "[token]", "[secret]"})
      for (std::size_t at = in.find(mask); at != std::string_view::npos; at = in.find(mask, at + 1)) ++n;
    return n;
  };
  masks = count(once);
  after = count(Mask(once));
  if (masks > 0 && after == 0) std::abort();
  return 0;
}

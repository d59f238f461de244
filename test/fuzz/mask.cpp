// The lexer that masks constants: it stays within the text and the room it asked for, and masking what is masked
// changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "pg/mask.hpp"

// The server's.
extern "C" {
#include "parser/parser.h"
bool standard_conforming_strings = true;
int pg_strncasecmp(const char* a, const char* b, size_t n) { return strncasecmp(a, b, n); }
}

using namespace assist::pg;

static std::string Mask(const std::string& text, int first) {
  std::vector<char> out(static_cast<std::size_t>(masked_size(static_cast<int>(text.size()))));
  const int length = mask_constants(text.c_str(), static_cast<int>(text.size()), first, out.data(), static_cast<int>(out.size()));
  if (length < 0 || length > static_cast<int>(out.size())) std::abort();
  return {out.data(), static_cast<std::size_t>(length)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 10000) return 0;
  standard_conforming_strings = (data[0] & 1) != 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  if (text.find('\0') != std::string::npos) return 0;  // the server's texts have none
  const std::string masked = Mask(text, 0);
  if (Mask(masked, 0) != masked) std::abort();
  Mask(text, highest_parameter(text.c_str(), static_cast<int>(text.size())) + 1);
  int found = 0;
  for (ConstantScan scan(text.c_str(), static_cast<int>(text.size())); scan.next(); ++found)
    if (scan.length <= 0 || scan.start < text.c_str() || scan.start + scan.length > text.c_str() + text.size()) std::abort();
  if (found != count_constants(text.c_str(), static_cast<int>(text.size())) && found < 65535) std::abort();
  return 0;
}

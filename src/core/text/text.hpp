// Numbers as people read them, and SQL quoting. Nothing here allocates except into a string it is
// given.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>

namespace assist::text {

// A short text by value: what a number becomes.
class Short {
 public:
  Short() = default;
  explicit Short(std::string_view text) { Append(text); }
  void Append(std::string_view text);  // cut at the capacity
  std::string_view view() const { return {data_.data(), size_}; }
  operator std::string_view() const { return view(); }

 private:
  std::array<char, 47> data_{};
  std::uint8_t size_ = 0;
};

// Binary units as the server spells them: 512 bytes, 24 kB, 1.5 MB, 12 GB. Negative ones keep the
// sign.
Short Bytes(double bytes);
// From microseconds to days: 12 us, 1.5 ms, 12 s, 5.2 min, 3.1 h, 2.4 days.
Short Duration(double ms);
// 999, 1,234, 1.2 million, 3.4 billion.
Short Count(double count);
// 0.034 is 3.4 %; below 0.1 % it is <0.1 %.
Short Percent(double fraction);
// A plain decimal number, zeros at the end cut: 3.5, 12, 0.25.
Short Number(double number, int decimals);
// A whole number without separators, for SQL and settings.
Short Integer(std::int64_t number);
// A memory setting's value, rounded down to a whole unit that keeps 3 digits or more: 64MB, 1536kB,
// 24GB.
Short MemorySetting(double bytes);

// Appends every part, in order.
template <typename... Parts>
void Append(std::pmr::string& out, const Parts&... parts) {
  (out.append(std::string_view(parts)), ...);
}

// As the server's quote_identifier(): plain where that is safe in every supported version.
void AppendIdentifier(std::pmr::string& out, std::string_view name);
// schema.name, each quoted as needed; an empty schema is left out.
void AppendQualified(std::pmr::string& out, std::string_view schema, std::string_view name);
// As quote_literal(): safe whatever standard_conforming_strings says.
void AppendLiteral(std::pmr::string& out, std::string_view text);

// A name of at most 63 bytes (NAMEDATALEN - 1): `base` cut at a character's end so that `suffix`
// fits.
std::pmr::string ObjectName(std::string_view base, std::string_view suffix,
                            std::pmr::memory_resource* memory);

// Whether two deparsed expressions say the same but for blanks and enclosing parentheses.
bool SameExpression(std::string_view a, std::string_view b);

}  // namespace assist::text

// Recognisers, each tried where a word begins: it gives the part of the text to replace, or
// nothing.

#include "core/text/sensitive.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace assist::text {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }
bool IsWord(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsQuote(char c) { return c == '\'' || c == '"'; }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

// A text whose end reads as NUL, so that looking ahead needs no check.
struct Reader {
  std::string_view text;
  char operator[](std::size_t i) const { return i < text.size() ? text[i] : '\0'; }
  bool Has(std::size_t at, std::string_view word) const {
    return text.substr(std::min(at, text.size())).starts_with(word);
  }
  bool HasAnyCase(std::size_t at, std::string_view lower) const {
    if (at + lower.size() > text.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i)
      if (Lower(text[at + i]) != lower[i]) return false;
    return true;
  }
  template <typename Is>
  std::size_t Skip(std::size_t at, Is is) const {
    while (at < text.size() && is(text[at])) ++at;
    return at;
  }
};

// What to replace. The place where it begins may be behind the one where it was recognised: what is
// between stays.
struct Found {
  std::size_t begin = 0, end = 0;
  std::string_view by;
  explicit operator bool() const { return end > begin; }
};

// --- email addresses (RFC 5321's lengths; of its local parts the common ones)

bool IsLocal(char c) { return IsWord(c) || c == '.' || c == '%' || c == '+' || c == '-'; }

// End of a domain with two labels or more, the last of letters; 0 = none.
std::size_t DomainEnd(const Reader& text, std::size_t at) {
  const auto in_label = [](char c) { return IsWord(c) || c == '-'; };
  std::size_t end = 0;
  for (std::size_t label = at;;) {
    const std::size_t next = text.Skip(label, in_label);
    if (next == label || next - at > 255) break;
    const bool letters = next - label >= 2 &&
                         (IsLetter(text[label]) || static_cast<unsigned char>(text[label]) >= 0x80);
    if (label > at && letters) end = next;
    if (text[next] != '.') break;
    label = next + 1;
  }
  return end;
}

Found Email(const Reader& text, std::size_t at) {
  if (!IsWord(text[at])) return {};
  std::size_t domain = 0;
  for (std::size_t i = at; domain == 0; ++i) {
    if (i - at > 64) return {};
    if (text[i] == '@' && i > at) {
      domain = i + 1;
    } else if (i > at && text.Has(i, "%40")) {  // as URLs write it
      domain = i + 3;
    } else if (!IsLocal(text[i])) {
      return {};
    }
  }
  return {at, DomainEnd(text, domain), "[email]"};
}

// --- card numbers

struct Digits {
  std::array<char, 20> digit{};
  std::size_t count = 0;
  std::array<std::uint8_t, 8> groups{};
  std::size_t group_count = 0;
  std::size_t end = 0;
};

// Digits in groups with one separator each, up to the end of the number; count 0 = no such thing.
template <typename Separates>
Digits ReadDigits(const Reader& text, std::size_t at, Separates separates) {
  Digits out;
  for (;;) {
    const std::size_t end = text.Skip(at, IsDigit);
    const std::size_t n = end - at;
    if (n == 0 || out.count + n >= out.digit.size() || out.group_count == out.groups.size())
      return {};
    for (; at < end; ++at) out.digit[out.count++] = text[at];
    out.groups[out.group_count++] = static_cast<std::uint8_t>(n);
    out.end = end;
    if (!separates(text[end]) || !IsDigit(text[end + 1])) break;
    at = end + 1;
  }
  // Longer than it: a decimal, or part of a name.
  if (IsWord(text[out.end]) || (text[out.end] == '.' && IsDigit(text[out.end + 1]))) return {};
  return out;
}

int Leading(const Digits& d, std::size_t n) {
  int value = 0;
  for (std::size_t i = 0; i < n; ++i) value = value * 10 + (d.digit[i] - '0');
  return value;
}

bool IsIssued(const Digits& d) {
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  const int two = Leading(d, 2), three = Leading(d, 3), four = Leading(d, 4);
  switch (d.count) {
    case 13:
      return two / 10 == 4;
    case 14:
      return within(three, 300, 305) || two == 36 || within(two, 38, 39);
    case 15:
      return two == 34 || two == 37;
    case 16:
      return two / 10 == 4 || within(two, 51, 55) || within(four, 2221, 2720) || four == 6011 ||
             within(three, 644, 649) || two == 65 || within(four, 3528, 3589) || two == 62 ||
             two == 50 || within(two, 56, 58) || two == 63 || two == 67;
    case 18:
      return two == 62 || two == 63 || two == 67;
    case 19:
      return two / 10 == 4 || two == 62 || two == 63 || two == 67 || four == 6011;
    default:
      return false;
  }
}

// As printed on cards: groups of four, or 4-6-5 and 4-6-4.
bool IsGroupedAsCard(const Digits& d) {
  if (d.group_count == 1) return true;
  if (d.group_count == 3 && d.groups[0] == 4 && d.groups[1] == 6)
    return d.groups[2] == 5 || d.groups[2] == 4;
  for (std::size_t i = 0; i + 1 < d.group_count; ++i)
    if (d.groups[i] != 4) return false;
  return d.groups[d.group_count - 1] <= 4;
}

// Luhn's check digit (ISO/IEC 7812-1, annex B).
bool HasCheckDigit(const Digits& d) {
  int sum = 0;
  for (std::size_t i = 0; i < d.count; ++i) {
    int n = d.digit[d.count - 1 - i] - '0';
    if (i % 2 == 1) n = n > 4 ? n * 2 - 9 : n * 2;
    sum += n;
  }
  return sum % 10 == 0;
}

Found Card(const Reader& text, std::size_t at) {
  if (!IsDigit(text[at])) return {};
  const char separator = text[text.Skip(at, IsDigit)];
  const Digits d = ReadDigits(
      text, at, [separator](char c) { return c == separator && (c == ' ' || c == '-'); });
  if (!IsIssued(d) || !IsGroupedAsCard(d) || !HasCheckDigit(d)) return {};
  return {at, d.end, "[card]"};
}

// --- telephone numbers (E.164: 15 digits at most)

bool SeparatesPhone(char c) { return c == ' ' || c == '-' || c == '.' || c == '/'; }

// +49 (0) 171 234-567: digits with separators and one pair of parentheses.
Found International(const Reader& text, std::size_t at) {
  std::size_t i = at + 1, count = 0, end = at;
  bool open = false, closed = false;
  if (text[i] < '1' || text[i] > '9') return {};
  for (;; ++i) {
    const char c = text[i];
    if (IsDigit(c)) {
      end = i + 1;
      if (++count > 16) return {};  // the (0) of a trunk prefix is none of them
    } else if (c == '(' && !open && !closed) {
      open = true;
    } else if (c == ')' && open) {
      open = false;
      closed = true;
    } else if (!SeparatesPhone(c) || (!IsDigit(text[i + 1]) && text[i + 1] != '(')) {
      break;
    }
  }
  if (count < 8 || IsWord(text[end])) return {};
  return {at, end, "[phone]"};
}

bool IsPhone(const Digits& d, char separator) {
  const auto group = [&d](std::size_t i) { return i < d.group_count ? d.groups[i] : 0; };
  // A list of numbers with leading zeros has short ones only.
  bool long_group = group(0) > 5;
  for (std::size_t i = 1; i < d.group_count; ++i) long_group = long_group || group(i) >= 4;
  if (d.digit[0] == '0' && d.digit[1] == '0')
    return d.digit[2] != '0' && d.count >= 11 && d.count <= 17 && long_group;
  // North America: 555-123-4567 with or without 1 before it. With blanks it may be a list of
  // numbers.
  if (separator == '-' || separator == '.') {
    const std::size_t first = group(0) == 1 && d.digit[0] == '1' ? 1 : 0;
    if (d.group_count == first + 3 && group(first) == 3 && group(first + 1) == 3 &&
        group(first + 2) == 4 && d.digit[first] >= '2')
      return true;
  }
  if (d.digit[0] != '0' || d.digit[1] == '0' || d.count < 9 || d.count > 13 || d.group_count < 2)
    return false;
  // France: pairs. A day and a month are fewer.
  if (group(0) == 2) return d.group_count == 5 && d.count == 10;
  // The trunk prefix 0 and an area, then a group of four at least, or two of three.
  if (group(0) < 3 || group(0) > 5 || d.group_count > 4) return false;
  return (long_group || (group(0) == 4 && d.group_count == 3 && group(1) == 3 && group(2) == 3)) &&
         group(d.group_count - 1) >= 2;
}

// (555) 123-4567, (030) 1234567
Found Parenthesised(const Reader& text, std::size_t at) {
  const std::size_t close = text.Skip(at + 1, IsDigit), area = close - at - 1;
  if (text[close] != ')' || (text[at + 1] == '0' ? area < 2 || area > 5 : area != 3)) return {};
  std::size_t rest = close + 1;
  if (text[rest] == ' ' || text[rest] == '-') ++rest;
  const Digits d = ReadDigits(text, rest, SeparatesPhone);
  const bool fits = text[at + 1] == '0' ? d.count >= 5 && d.count <= 9
                                        : d.count == 7 && d.group_count <= 2 && d.groups[0] != 4;
  return fits ? Found{at, d.end, "[phone]"} : Found{};
}

Found Phone(const Reader& text, std::size_t at) {
  if (text[at] == '+') return International(text, at);
  if (text[at] == '(') return Parenthesised(text, at);
  if (!IsDigit(text[at])) return {};
  const Digits d = ReadDigits(text, at, SeparatesPhone);
  if (d.count == 0 || !IsPhone(d, text[at + d.groups[0]])) return {};
  return {at, d.end, "[phone]"};
}

// --- keys and tokens

bool IsToken(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '-' || c == '.' || c == '+' || c == '/' ||
         c == '$';
}

struct Prefix {
  std::string_view text;
  std::size_t at_least;  // characters behind it
};
constexpr Prefix kPrefixes[] = {
    {"AKIA", 16},           {"ASIA", 16},  // AWS
    {"ghp_", 30},           {"gho_", 30},        {"ghu_", 30},     {"ghs_", 30},
    {"ghr_", 30},           {"github_pat_", 30}, {"glpat-", 18},   {"npm_", 30},
    {"pypi-", 30},          {"hf_", 30},         {"dop_v1_", 30},  {"shpat_", 30},
    {"xoxa-", 10},          {"xoxb-", 10},       {"xoxp-", 10},    {"xoxr-", 10},
    {"xoxs-", 10},  // Slack
    {"sk_live_", 16},       {"sk_test_", 16},    {"rk_live_", 16}, {"rk_test_", 16},
    {"pk_live_", 16},       {"whsec_", 16},      {"sk-", 20},      {"SG.", 20},
    {"AIza", 30},           {"ya29.", 20},       {"eyJ", 20},  // JSON web token
    {"$2a$", 50},           {"$2b$", 50},        {"$2y$", 50},     {"$argon2", 20},
    {"SCRAM-SHA-256$", 30},  // password hashes
};

// Random: a long run in which capital and small letters and digits take turns.
bool LooksRandom(std::string_view run) {
  if (run.size() < 32) return false;
  std::size_t hex = 0, lower = 0, upper = 0, digits = 0, turns = 0;
  int last = -1;
  for (const char c : run) {
    hex += IsHex(c);
    const int kind = IsLower(c) ? 0 : IsUpper(c) ? 1 : IsDigit(c) ? 2 : 3;
    (kind == 0 ? lower : kind == 1 ? upper : digits) += kind < 3;
    turns += kind != last && kind < 3;
    last = kind;
  }
  if (hex == run.size()) return digits > 0 && lower + upper > 0;
  return lower >= 3 && upper >= 3 && digits >= 3 && turns * 4 >= run.size();
}

// Its run of characters, with the padding of base64.
std::size_t TokenEnd(const Reader& text, std::size_t at) {
  std::size_t end = text.Skip(at, IsToken);
  for (int padding = 0; padding < 2 && text[end] == '='; ++padding) ++end;
  return end;
}

Found PrefixedToken(const Reader& text, std::size_t at) {
  for (const Prefix& prefix : kPrefixes) {
    if (!text.Has(at, prefix.text)) continue;
    // = and : part the pieces of a SCRAM verifier.
    const std::size_t end =
        prefix.text[0] == 'S'
            ? text.Skip(at, [](char c) { return IsToken(c) || c == ':' || c == '='; })
            : TokenEnd(text, at);
    if (end - at >= prefix.text.size() + prefix.at_least) return {at, end, "[token]"};
  }
  return {};
}

Found RandomToken(const Reader& text, std::size_t at) {
  const std::size_t end = TokenEnd(text, at);
  return LooksRandom(text.text.substr(at, end - at)) ? Found{at, end, "[token]"} : Found{};
}

// --- what stands behind a word that announces it

struct Announcer {
  std::string_view word;
  std::size_t at_least;  // length of a value that is a secret: "token" is a word of parsers, too
};
constexpr Announcer kAnnouncers[] = {
    {"password", 1},   {"pgpassword", 1}, {"passwd", 1}, {"passphrase", 1},    {"pwd", 1},
    {"secret", 6},     {"api_key", 6},    {"apikey", 6}, {"api-key", 6},       {"private_key", 6},
    {"secret_key", 6}, {"access_key", 6}, {"token", 8},  {"authorization", 8}, {"bearer", 8}};

bool IsNoSecret(std::string_view value) {
  for (const std::string_view word : {"null", "NULL", "true", "false", "?", "none"})
    if (value == word) return true;
  return value.find_first_not_of('*') == std::string_view::npos;
}

// Of "word = value", "word": "value", word 'value', bearer value: the value.
Found Announced(const Reader& text, std::size_t at) {
  for (const Announcer& announcer : kAnnouncers) {
    if (!text.HasAnyCase(at, announcer.word)) continue;
    std::size_t i = at + announcer.word.size();
    if (IsQuote(text[i])) ++i;  // of a key in JSON
    const std::size_t behind = i;
    const auto blank = [](char c) { return c == ' '; };
    i = text.Skip(i, blank);
    const bool assigned = text[i] == '=' || text[i] == ':';
    if (assigned) i = text.Skip(text[i + 1] == '>' ? i + 2 : i + 1, blank);
    if ((text[i] == 'E' || text[i] == 'e') && text[i + 1] == '\'') ++i;
    const bool bearer = announcer.word == "bearer" && i > behind;
    if (!assigned && !bearer && !(i > behind && text[i] == '\'')) continue;
    std::size_t begin = i, end;
    if (text.Has(i, "[secret]")) return {i, i + 8, "[secret]"};
    if (text[IsQuote(text[i]) ? i + 1 : i] == '$') return {};  // a parameter
    if (IsQuote(text[i])) {
      begin = i + 1;
      for (end = begin; end < text.text.size(); ++end) {
        if (text[end] == '\\') {
          ++end;
        } else if (text[end] == text[i]) {
          if (text[end + 1] != text[i]) break;
          ++end;
        }
      }
      end = std::min(end, text.text.size());
    } else if (announcer.word == "authorization") {
      end =
          text.Skip(begin, [](char c) { return c != '\n' && c != ',' && c != ';' && !IsQuote(c); });
    } else {
      end = text.Skip(begin, [](char c) {
        return !IsBlank(c) && c != ',' && c != ';' && c != '&' && c != ')' && c != '}' &&
               c != ']' && !IsQuote(c);
      });
    }
    const std::string_view value = text.text.substr(begin, end - begin);
    if (value.size() < announcer.at_least || IsNoSecret(value)) return {};
    return {begin, end, "[secret]"};
  }
  return {};
}

// scheme://user:password@host
Found UrlPassword(const Reader& text, std::size_t at) {
  if (!text.Has(at, "://")) return {};
  const std::size_t user = at + 3;
  const std::size_t colon = text.Skip(user, [](char c) { return IsLocal(c); });
  if (text[colon] != ':') return {};
  const std::size_t end = text.Skip(
      colon + 1, [](char c) { return !IsBlank(c) && !IsQuote(c) && c != '@' && c != '/'; });
  return text[end] == '@' ? Found{colon + 1, end, "[secret]"} : Found{};
}

Found PrivateKey(const Reader& text, std::size_t at) {
  if (!text.Has(at, "-----BEGIN ")) return {};
  const std::size_t head = text.text.find("-----", at + 11);
  if (head == std::string_view::npos || head - at > 60 ||
      text.text.substr(at, head - at).find("PRIVATE KEY") == std::string_view::npos)
    return {};
  const std::size_t end = text.text.find("-----END", head);
  const std::size_t last = end == std::string_view::npos ? end : text.text.find("-----", end + 8);
  return {at, last == std::string_view::npos ? text.text.size() : last + 5, "[secret]"};
}

}  // namespace

void AppendMasked(std::pmr::string& out, std::string_view whole) {
  const Reader text{whole};
  std::size_t copied = 0;
  char before = '\0';
  for (std::size_t i = 0; i < whole.size();) {
    Found found;
    const char c = whole[i];
    if (c == ':') {
      found = UrlPassword(text, i);
    } else if (c == '-' && before != '-') {
      found = PrivateKey(text, i);
    } else {
      const bool word = IsWord(before);
      if (IsLetter(c) && (!word || before == '_' || (IsLower(before) && IsUpper(c))))
        found = Announced(text, i);
      if (!found && !word) found = PrefixedToken(text, i);
      if (!found && !IsToken(before)) found = RandomToken(text, i);
      if (!found && !word) found = Email(text, i);
      if (!found && !word && before != '.') found = Card(text, i);
      if (!found && !word && before != '.' && before != '-' && before != '/')
        found = Phone(text, i);
    }
    if (found) {
      out.append(whole.substr(copied, found.begin - copied)).append(found.by);
      copied = i = found.end;
    } else {
      ++i;
    }
    before = whole[i - 1];
  }
  out.append(whole.substr(copied));
}

}  // namespace assist::text

// Personal data and secrets in free text: values of parameters, lines of a log, comments.
//
// Recognised by their form alone, without a dictionary: email addresses; card numbers (issuer's range, grouping and
// check digit, ISO/IEC 7812); telephone numbers written with + or 00, or with separators as they are usual; keys and
// tokens by their issuers' prefixes, JSON web tokens (RFC 7519), password hashes, hexadecimal runs of 32 digits and more
// and other long runs of mixed letters and digits; what follows a word like password; passwords in URLs; private keys.
// Not recognised: a telephone number of bare digits, which is a number like any other.
#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

namespace assist::text {

// Appends `text` with what was recognised as [email], [card], [phone], [token] or [secret]. Linear in the length of the
// text; what is masked already stays as it is. REQUIRES: an encoding in which bytes below 128 are ASCII.
void AppendMasked(std::pmr::string& out, std::string_view text);

}  // namespace assist::text

// Texts for eyes that are not to see the data in them.
#pragma once

#include <string_view>

#include "pg/server.hpp"

namespace assist::pg {

enum class Hide {
  kSensitive,  // personal data and secrets: core/text/sensitive.hpp
  kConstants,  // these, and every number and string of SQL
};

// A copy in the current memory context, with ? for constants and [email], [card] ... for what was recognised. Throws
// std::bad_alloc; never ereports. REQUIRES: text.data()[text.size()] is readable.
std::string_view MaskedCopy(std::string_view text, Hide hide);

}  // namespace assist::pg

// The one way into the server's headers. Include it after the standard library and assist/ headers,
// and before any other server header: the server redefines names that <cstdio> and <libintl.h> use.
#pragma once

extern "C" {
#include "postgres.h"
}

// port.h routes these through the server's own versions by macro; a macro with such a name breaks
// std::snprintf and every member called printf.
#undef snprintf
#undef vsnprintf
#undef sprintf
#undef vsprintf
#undef printf
#undef fprintf
#undef vprintf
#undef vfprintf
#undef strerror
#undef strerror_r
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef bind
#undef Max
#undef Min
#undef Abs

#include "pg/compat.h"

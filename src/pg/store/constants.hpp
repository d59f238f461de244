// The block in which the constants of one execution are kept: uint16 count, then for $1 .. $count: Oid type,
// uint8 known, uint16 bytes, the SQL text that stands for it. Unaligned.
#pragma once

#include <cstring>

#include "pg/server.hpp"

namespace assist::pg {

struct ConstantRead {
  Oid type;
  bool known;
  const char* literal;  // not terminated
  int length;
};

class ConstantsReader {
 public:
  ConstantsReader(const char* block, Size bytes) : at_(block), end_(block + bytes) {
    uint16 count = 0;
    if (bytes >= sizeof count) take(&count, sizeof count);
    count_ = count;
  }
  int count() const { return count_; }
  bool next(ConstantRead* out) {
    if (left() < sizeof(Oid) + 3) return false;
    uint8 known;
    uint16 bytes;
    take(&out->type, sizeof(Oid));
    take(&known, sizeof known);
    take(&bytes, sizeof bytes);
    if (left() < bytes) return false;
    out->known = known != 0;
    out->literal = at_;
    out->length = bytes;
    at_ += bytes;
    return true;
  }

 private:
  Size left() const { return static_cast<Size>(end_ - at_); }
  void take(void* to, Size n) {
    std::memcpy(to, at_, n);
    at_ += n;
  }
  const char* at_;
  const char* end_;
  int count_ = 0;
};

}  // namespace assist::pg

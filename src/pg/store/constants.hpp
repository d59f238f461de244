// The block in which the constants of one execution are kept: uint16 count, then for $1 .. $count: Oid type,
// uint8 known, uint16 bytes, the SQL text that stands for it. Where they are a plan's, behind them, at `extra`: how many
// of the sampled executions had the same (ConstantsTally). Unaligned.
#pragma once

#include <cstring>

#include "pg/server.hpp"
#include "pg/store/layout.hpp"

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

inline constexpr int kMostTallied = 256;  // a block with more constants has no tally

// Of sampled executions of a plan.
struct ConstantsTally {
  uint32 samples = 0;
  float executions = 0;          // that they stand for
  float same[kMostTallied] = {};  // of them: with the kept constant of $1, $2 ...
};
// Bytes of a plan's block for these constants and their tally.
Size tallied_bytes(const char* constants, Size bytes);
// Begins the tally of a block of tallied_bytes() whose constants are there.
void begin_tally(TextBlock* block, Size constants_bytes);
// Counts an execution that stands for `weight`. REQUIRES: the partition lock, exclusive.
void count_constants(TextBlock* block, const char* constants, Size bytes, double weight);
// False: it has none.
bool read_tally(const TextBlock* block, ConstantsTally* out);
inline Size constants_size(const TextBlock* block) { return block->extra != 0 ? block->extra : block->bytes; }

}  // namespace assist::pg

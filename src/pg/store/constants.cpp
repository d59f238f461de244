// Whether a statement's constants are always the same.

#include "pg/store/constants.hpp"

namespace assist::pg {

namespace {

// Sums are halved there: what a float counts exactly ends at 2^24.
constexpr float kMostExecutions = 4e6F;

constexpr Size kHead = sizeof(uint32) + sizeof(float);

Size tally_bytes(int count) { return kHead + static_cast<Size>(count) * sizeof(float); }

void put_tally(TextBlock* block, const ConstantsTally& tally, int count) {
  char* at = block->data + block->extra;
  memcpy(at, &tally.samples, sizeof tally.samples);
  memcpy(at + sizeof tally.samples, &tally.executions, sizeof tally.executions);
  memcpy(at + kHead, tally.same, static_cast<Size>(count) * sizeof(float));
}

}  // namespace

Size tallied_bytes(const char* constants, Size bytes) {
  const int count = ConstantsReader(constants, bytes).count();
  return count <= kMostTallied ? bytes + tally_bytes(count) : bytes;
}

void begin_tally(TextBlock* block, Size constants_bytes) {
  const int count = ConstantsReader(block->data, constants_bytes).count();
  if (count > kMostTallied) return;
  block->extra = static_cast<uint32>(constants_bytes);
  put_tally(block, {}, count);
}

bool read_tally(const TextBlock* block, ConstantsTally* out) {
  if (block == nullptr || block->extra == 0) return false;
  const int count = ConstantsReader(block->data, block->extra).count();
  if (count > kMostTallied || block->extra + tally_bytes(count) > block->bytes) return false;
  const char* at = block->data + block->extra;
  memcpy(&out->samples, at, sizeof out->samples);
  memcpy(&out->executions, at + sizeof out->samples, sizeof out->executions);
  memcpy(out->same, at + kHead, static_cast<Size>(count) * sizeof(float));
  return true;
}

void count_constants(TextBlock* block, const char* constants, Size bytes, double weight) {
  ConstantsTally tally;
  if (!read_tally(block, &tally)) return;
  ConstantsReader kept(block->data, block->extra), now(constants, bytes);
  const int count = kept.count();
  if (now.count() != count) return;  // of a list of another length
  ConstantRead a, b;
  const auto executions = static_cast<float>(weight);
  for (int n = 0; n < count && kept.next(&a) && now.next(&b); ++n)
    if (a.known && b.known && a.length == b.length && memcmp(a.literal, b.literal, static_cast<Size>(a.length)) == 0)
      tally.same[n] += executions;
  tally.executions += executions;
  ++tally.samples;
  if (tally.executions > kMostExecutions) {
    tally.executions /= 2;
    for (int n = 0; n < count; ++n) tally.same[n] /= 2;
  }
  put_tally(block, tally, count);
}

}  // namespace assist::pg

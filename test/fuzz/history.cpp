// Blocks of history: any bytes are refused or read without harm, and what was read is written again as the same block.
#include <cstdint>
#include <cstdlib>
#include <memory_resource>

#include "assist/history.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::pmr::monotonic_buffer_resource memory;
  const auto block = assist::DecodeHistory({reinterpret_cast<const char*>(data), size}, &memory);
  if (!block.has_value()) return 0;
  std::pmr::string again(&memory);
  AppendEncoded(again, *block);
  const auto same = assist::DecodeHistory(again, &memory);
  if (!same.has_value() || same->keys != block->keys || same->values != block->values) std::abort();
  const assist::HistoryBlock both[] = {*block, *same};
  if (MergeHistory(both, &memory).keys != block->keys) std::abort();
  return 0;
}

// The text arena.

#include "pg/store/text_arena.hpp"

#include "pg/fault.hpp"
#include "pg/store/store.hpp"

extern "C" {
#include "port/pg_bitutils.h"
#include "utils/memutils.h"
}

namespace assist::pg {

namespace {

dsa_area* area = nullptr;  // this process's handle

struct ArenaHead {
  uint64 used;  // bytes in blocks, under the arena lock
};

ArenaHead* head() { return reinterpret_cast<ArenaHead*>(store_at(store()->arena_at)); }
void* place() { return store_at(store()->arena_at) + MAXALIGN(sizeof(ArenaHead)); }

// Attaching allocates a few hundred bytes once; it may ereport out of memory only then.
bool attach() {
  if (area != nullptr) return true;
  if (store() == nullptr) return false;
  MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
  area = dsa_attach_in_place(place(), nullptr);
  dsa_pin_mapping(area);
  MemoryContextSwitchTo(old);
  return true;
}

// DSA keeps 64 kB aside for each of its 37 size classes that is in use. A small arena uses the powers of two alone.
constexpr Size kSmallArena = 8 << 20;
constexpr Size kLargestClass = 8192;

Size block_bytes(Size data) {
  const Size bytes = offsetof(TextBlock, data) + data;
  if (store()->arena_bytes >= kSmallArena || bytes > kLargestClass) return bytes;
  return bytes <= 64 ? 64 : pg_nextpower2_size_t(bytes);
}

}  // namespace

void arena_create(void* at, Size bytes) {
  auto* h = static_cast<ArenaHead*>(at);
  h->used = 0;
  char* start = static_cast<char*>(at) + MAXALIGN(sizeof(ArenaHead));
  const Size size = bytes - MAXALIGN(sizeof(ArenaHead));
  MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
  dsa_area* created = dsa_create_in_place(start, size, arena_lock()->tranche, nullptr);
  dsa_pin(created);
  dsa_set_size_limit(created, size);
  dsa_detach(created);
  MemoryContextSwitchTo(old);
  area = nullptr;
}

TextBlock* arena_allocate(Size bytes, double share, dsa_pointer* pointer, bool* full) {
  *pointer = InvalidDsaPointer;
  if (!attach() || fault_fails("arena")) return nullptr;
  const Size size = block_bytes(bytes);
  if (!store_lock_briefly(arena_lock(), LW_EXCLUSIVE)) return nullptr;
  TextBlock* block = nullptr;
  if (head()->used + size <= static_cast<uint64>(share * static_cast<double>(store()->arena_bytes))) {
    *pointer = dsa_allocate_extended(area, size, DSA_ALLOC_NO_OOM);
    if (DsaPointerIsValid(*pointer)) {
      block = static_cast<TextBlock*>(dsa_get_address(area, *pointer));
      block->references = 1;
      block->bytes = static_cast<uint32>(bytes);
      block->flags = block->extra = 0;
      head()->used += size;
    }
  }
  LWLockRelease(arena_lock());
  if (full != nullptr) *full = block == nullptr;
  return block;
}

TextBlock* arena_get(dsa_pointer pointer) {
  if (!DsaPointerIsValid(pointer) || !attach()) return nullptr;
  return static_cast<TextBlock*>(dsa_get_address(area, pointer));
}

void arena_reference(dsa_pointer pointer) {
  TextBlock* block = arena_get(pointer);
  if (block != nullptr) __atomic_fetch_add(&block->references, 1, __ATOMIC_RELAXED);
}

void arena_release(dsa_pointer* pointer) {
  TextBlock* block = arena_get(*pointer);
  const dsa_pointer old = *pointer;
  *pointer = InvalidDsaPointer;
  if (block == nullptr || __atomic_sub_fetch(&block->references, 1, __ATOMIC_ACQ_REL) != 0) return;
  const Size size = block_bytes(block->bytes);
  // Freeing cannot be given up without leaking, and this lock is held for microseconds only.
  LWLockAcquire(arena_lock(), LW_EXCLUSIVE);
  dsa_free(area, old);
  head()->used -= size;
  LWLockRelease(arena_lock());
}

Size arena_used() { return head()->used; }

}  // namespace assist::pg

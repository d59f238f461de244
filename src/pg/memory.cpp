// pmr over MemoryContext.

#include "pg/memory.hpp"

#include <cstdint>
#include <new>

#include "pg/fault.hpp"
#include "pg/guard.hpp"

namespace assist::pg {

void* ContextResource::do_allocate(std::size_t bytes, std::size_t alignment) {
  // palloc aligns to MAXIMUM_ALIGNOF (8); pmr asks for up to 16. The block's start is kept in front.
  if (fault_fails("allocate")) throw std::bad_alloc();
  const bool over_aligned = alignment > MAXIMUM_ALIGNOF;
  const std::size_t size = over_aligned ? bytes + alignment + sizeof(void*) : bytes;
  void* block =
      MemoryContextAllocExtended(context_, size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
  if (block == nullptr) throw std::bad_alloc();
  if (!over_aligned) return block;
  auto address = reinterpret_cast<std::uintptr_t>(block) + sizeof(void*);
  address = (address + alignment - 1) & ~(static_cast<std::uintptr_t>(alignment) - 1);
  void* aligned = reinterpret_cast<void*>(address);
  static_cast<void**>(aligned)[-1] = block;
  return aligned;
}

void ContextResource::do_deallocate(void* block, std::size_t, std::size_t alignment) {
  pfree(alignment > MAXIMUM_ALIGNOF ? static_cast<void**>(block)[-1] : block);
}

ScopedContext::ScopedContext(const char* name) : context_(nullptr) {
  Guarded([&] {
    context_ = AllocSetContextCreateInternal(CurrentMemoryContext, name, ALLOCSET_DEFAULT_SIZES);
  });
}

ScopedContext::~ScopedContext() {
  if (CurrentMemoryContext == context_) MemoryContextSwitchTo(MemoryContextGetParent(context_));
  MemoryContextDelete(context_);
}

}  // namespace assist::pg

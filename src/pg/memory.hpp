// std::pmr memory in a server MemoryContext: freed with the context, counted by the server, and running
// out of it is std::bad_alloc instead of a longjmp through C++ frames.
#pragma once

#include <memory_resource>

#include "pg/server.hpp"

namespace assist::pg {

class ContextResource final : public std::pmr::memory_resource {
 public:
  explicit ContextResource(MemoryContext context) : context_(context) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  MemoryContext context_;
};

// A MemoryContext of its own below the current one, deleted with the object.
class ScopedContext {
 public:
  explicit ScopedContext(const char* name);  // `name` must be a literal
  ~ScopedContext();
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;
  MemoryContext get() const { return context_; }

 private:
  MemoryContext context_;
};

}  // namespace assist::pg

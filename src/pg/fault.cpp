// Faults for tests.

#include "pg/fault.hpp"

#ifdef ASSIST_FAULTS

#include <csignal>
#include <cstdlib>
#include <new>

#include "pg/server.hpp"

extern "C" {
#include <fcntl.h>
#include <unistd.h>
}

namespace assist::pg {

namespace {

constexpr char kFile[] = "assist_fault";

struct Order {
  char point[32], action[16];
  int after;
};
Order followed = {};
int passed = 0;

// Whether it is time for the file's action at this point; that action.
bool is_time(const char* point, Order* order) {
  const int file = open(kFile, O_RDONLY);  // every process works in the data directory
  if (file < 0) return false;
  char text[80];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  if (sscanf(text, "%31s %15s %d", order->point, order->action, &order->after) != 3) return false;
  if (strcmp(order->point, point) != 0) return false;
  if (memcmp(&followed, order, sizeof followed) != 0) {
    followed = *order;
    passed = 0;
  }
  return passed++ == order->after;
}

}  // namespace

void fault_point(const char* point) {
  Order order = {};
  const int kept = errno;
  const bool now = is_time(point, &order) && strcmp(order.action, "fail") != 0;
  errno = kept;
  if (!now) return;
  if (strcmp(order.action, "error") == 0)
    ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("fault at %s", point)));
  unlink(kFile);
  const int signal = strcmp(order.action, "kill") == 0 ? SIGKILL
                     : strcmp(order.action, "stop") == 0 ? SIGSTOP
                                                         : SIGSEGV;
  kill(getpid(), signal);
}

bool fault_fails(const char* point) {
  Order order = {};
  const int kept = errno;
  const bool fails = is_time(point, &order) && strcmp(order.action, "fail") == 0;
  if (fails) unlink(kFile);  // so that whoever gave the order sees that it was met
  errno = fails ? EIO : kept;
  return fails;
}

}  // namespace assist::pg

// What the containers of the boundary layer allocate, but for strings, whose code is libstdc++'s own. Local to this
// library: exports.map.
void* operator new(std::size_t bytes) {
  void* block = assist::pg::fault_fails("new") ? nullptr : malloc(bytes > 0 ? bytes : 1);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { free(block); }
void operator delete(void* block, std::size_t) noexcept { free(block); }

#endif

#ifndef SLUICE_LOG_INTERNAL_THREAD_RING_H_
#define SLUICE_LOG_INTERNAL_THREAD_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sluice/log/internal/log_ring.h"

namespace sluice {

// The ring through which one thread logs to one logger. Thread and logger share
// its ownership: a thread may end before its last lines are written, and a
// logger may end before its threads.
struct ThreadRing {
  ThreadRing(const void* owner, std::string name, size_t bytes)
      : logger(owner), thread(std::move(name)), ring(bytes) {}

  // The logger, or nullptr after it was destroyed: another logger may get the
  // same address.
  std::atomic<const void*> logger;
  const std::string thread;  // name of the thread
  LogRing ring;
  // True if the thread has ended.
  std::atomic<bool> ended{false};
  // The number of records that were dropped and not yet reported. The thread or
  // the back end takes it by an exchange when it reports the number.
  std::atomic<uint64_t> dropped{0};
  // For the back end: the position up to which a flush has to write.
  uint64_t flush_end = 0;
};

namespace log_internal {

// The ring that this thread used last, or nullptr. A call that finds its ring
// here costs nanoseconds.
extern constinit thread_local ThreadRing* last_ring;

}  // namespace log_internal

// Returns this thread's ring of `logger`, and remembers it in last_ring.
// Returns nullptr if the thread has none.
ThreadRing* FindThreadRing(const void* logger);
// Returns true if this thread can keep a ring: false while its thread-local
// objects are destroyed.
bool CanKeepThreadRing();
// Keeps `ring` for this thread. REQUIRES: CanKeepThreadRing(), and this thread
// has no ring of the same logger.
void KeepThreadRing(std::shared_ptr<ThreadRing> ring);

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_THREAD_RING_H_

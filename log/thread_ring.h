#ifndef SLUICE_LOG_THREAD_RING_H_
#define SLUICE_LOG_THREAD_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sluice/log/log_ring.h"

namespace sluice {

// The ring through which one thread logs to one logger. Both hold it: a thread
// may end before its last lines are written, and a logger before its threads.
struct ThreadRing {
  ThreadRing(const void* owner, std::string name, size_t bytes)
      : logger(owner), thread(std::move(name)), ring(bytes) {}

  // nullptr when the logger is gone, whose address another one may have next.
  std::atomic<const void*> logger;
  const std::string thread;  // its name
  LogRing ring;
  // The thread will log no more.
  std::atomic<bool> ended{false};
  // Records that found no room, and are not told of yet. Whoever tells of them
  // takes them by an exchange.
  std::atomic<uint64_t> dropped{0};
  // The back end's: up to here a flush has to write.
  uint64_t flush_end = 0;
};

namespace log_internal {

// The ring that this thread used last, or nullptr. Of a logger's state this is
// what has to be found without knowing the logger: it is why a call costs
// nanoseconds.
extern constinit thread_local ThreadRing* last_ring;

}  // namespace log_internal

// This thread's ring of `logger`, or nullptr if it has none.
ThreadRing* FindThreadRing(const void* logger);
// Whether it can have one: not while this thread ends.
bool CanKeepThreadRing();
// From now on it has. REQUIRES: it can, and has none of this logger.
void KeepThreadRing(std::shared_ptr<ThreadRing> ring);

}  // namespace sluice

#endif  // SLUICE_LOG_THREAD_RING_H_

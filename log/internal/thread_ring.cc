#include "sluice/log/internal/thread_ring.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice {
namespace log_internal {

constinit thread_local ThreadRing* last_ring = nullptr;

}  // namespace log_internal

namespace {

// What follows is destroyed while a thread ends; this is not, so that those
// destroyed after it can still ask.
constinit thread_local bool ending = false;

// One thread's rings of all loggers.
class Rings {
 public:
  ~Rings() {
    ending = true;
    log_internal::last_ring = nullptr;
    for (const std::shared_ptr<ThreadRing>& ring : rings_) {
      ring->ended.store(true, std::memory_order_release);
    }
  }

  ThreadRing* Find(const void* logger) const {
    for (const std::shared_ptr<ThreadRing>& ring : rings_) {
      if (ring->logger.load(std::memory_order_relaxed) == logger) {
        return ring.get();
      }
    }
    return nullptr;
  }
  void Keep(std::shared_ptr<ThreadRing> ring) {
    // Of loggers that are gone; else a thread that meets many would grow.
    rings_.erase(
        std::remove_if(rings_.begin(), rings_.end(),
                       [](const auto& r) {
                         return r->logger.load(std::memory_order_acquire) ==
                                nullptr;
                       }),
        rings_.end());
    rings_.push_back(std::move(ring));
  }

 private:
  std::vector<std::shared_ptr<ThreadRing>> rings_;
};

thread_local Rings rings;

}  // namespace

ThreadRing* FindThreadRing(const void* logger) {
  if (ending) return nullptr;
  ThreadRing* const ring = rings.Find(logger);
  if (ring != nullptr) log_internal::last_ring = ring;
  return ring;
}

bool CanKeepThreadRing() { return !ending; }

void KeepThreadRing(std::shared_ptr<ThreadRing> ring) {
  log_internal::last_ring = ring.get();
  rings.Keep(std::move(ring));
}

}  // namespace sluice

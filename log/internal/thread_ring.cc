#include "sluice/log/internal/thread_ring.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice {
namespace log_internal {

constinit thread_local ThreadRing* last_ring = nullptr;

}  // namespace log_internal

namespace {

// True after this thread's Rings are destroyed. Has no destructor, so that
// objects that are destroyed after Rings can still read it.
constinit thread_local bool ending = false;

// The rings of one thread, one for each logger.
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
    // Drop the rings of destroyed loggers, so that their number stays bounded.
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

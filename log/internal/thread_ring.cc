#include "sluice/log/internal/thread_ring.h"

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
struct Rings {
  ~Rings() {
    ending = true;
    log_internal::last_ring = nullptr;
    for (const std::shared_ptr<ThreadRing>& ring : list) {
      ring->ended.store(true, std::memory_order_release);
    }
  }

  std::vector<std::shared_ptr<ThreadRing>> list;
};

thread_local Rings rings;

}  // namespace

ThreadRing* FindThreadRing(const void* logger) {
  if (ending) return nullptr;
  for (const std::shared_ptr<ThreadRing>& ring : rings.list) {
    if (ring->logger.load(std::memory_order_relaxed) != logger) continue;
    log_internal::last_ring = ring.get();
    return ring.get();
  }
  return nullptr;
}

bool CanKeepThreadRing() { return !ending; }

void KeepThreadRing(std::shared_ptr<ThreadRing> ring) {
  // Drop the rings of destroyed loggers, so that their number stays bounded.
  std::erase_if(rings.list, [](const auto& r) {
    return r->logger.load(std::memory_order_acquire) == nullptr;
  });
  log_internal::last_ring = ring.get();
  rings.list.push_back(std::move(ring));
}

}  // namespace sluice

#ifndef SLUICE_LOG_INTERNAL_RING_MERGER_H_
#define SLUICE_LOG_INTERNAL_RING_MERGER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "sluice/log/internal/log_record.h"
#include "sluice/log/internal/thread_ring.h"

namespace sluice {

// Takes records out of the rings of threads, in the order of their ticks; among
// equals, in the order of the rings. The consumer of these rings.
// Thread-compatible. Costs a comparison for a record, and as many as the number
// of rings has binary digits where two threads' records follow one another.
class RingMerger {
 public:
  // Calls visit(ring, record, args) for each record with ticks up to `cutoff`
  // that is there, until that returns false, after which the rest stays; and
  // released() when rings have got room. Returns how many were visited.
  //
  // If `cutoff` is the time before the call, and a record is visited, then so
  // is every one that was logged before it was, by whatever thread.
  template <typename Visit, typename Released>
  size_t Merge(absl::Span<const std::shared_ptr<ThreadRing>> rings,
               uint64_t cutoff, Visit visit, Released released) {
    sources_.clear();
    for (size_t i = 0; i < rings.size(); ++i) {
      Source source = {rings[i].get(),       i,       rings[i]->ring.begin(),
                       rings[i]->ring.end(), nullptr, {}};
      if (source.Read(cutoff)) sources_.push_back(source);
    }
    std::make_heap(sources_.begin(), sources_.end(), IsLater);
    size_t visited = 0;
    bool go_on = true;
    while (go_on && !sources_.empty()) {
      std::pop_heap(sources_.begin(), sources_.end(), IsLater);
      Source source = sources_.back();
      sources_.pop_back();
      bool more;
      do {
        go_on =
            visit(*source.ring, source.record, source.at + sizeof(LogRecord));
        ++visited;
        more = source.Advance(cutoff);
        if (source.ReleaseIfMuch()) released();
      } while (go_on && more &&
               (sources_.empty() || !IsLater(source, sources_.front())));
      if (more) {
        sources_.push_back(source);
        std::push_heap(sources_.begin(), sources_.end(), IsLater);
      } else {
        source.ring->ring.Release(source.position);
      }
    }
    for (const Source& source : sources_) {
      source.ring->ring.Release(source.position);
    }
    released();
    return visited;
  }

 private:
  // A ring with a record to be visited.
  struct Source {
    // Looks at the record at `position`. False if there is none to be visited.
    bool Read(uint64_t cutoff) {
      at = ring->ring.Read(&position, end);
      if (at == nullptr) return false;
      std::memcpy(&record, at, sizeof(record));
      return record.ticks <= cutoff;
    }
    // Goes on to the next one.
    bool Advance(uint64_t cutoff) {
      position += record.bytes();
      return Read(cutoff);
    }
    // Neither each time, which the producer's processor would notice, nor only
    // at the end, for which the producer would have to wait.
    bool ReleaseIfMuch() {
      if (position - ring->ring.begin() < ring->ring.capacity() / 4) {
        return false;
      }
      ring->ring.Release(position);
      return true;
    }

    ThreadRing* ring;
    size_t index;
    uint64_t position;
    uint64_t end;
    const char* at;
    LogRecord record;
  };

  static bool IsLater(const Source& a, const Source& b) {
    if (a.record.ticks != b.record.ticks) {
      return a.record.ticks > b.record.ticks;
    }
    return a.index > b.index;
  }

  std::vector<Source> sources_;  // a heap
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_RING_MERGER_H_

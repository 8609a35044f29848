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

// The consumer of the threads' rings: takes records out of all rings in the
// order of their ticks. Records with equal ticks come in the order of the
// rings. Costs one comparison for a record, and log2 of the number of rings
// more where the next record is from another ring. Thread-compatible.
class RingMerger {
 public:
  // Calls visit(ring, record, args) for each record in the rings with ticks up
  // to `cutoff`, until visit() returns false; the records after that one stay.
  // Calls released() each time when it has given memory back to a producer, and
  // once at the end. Returns the number of visited records.
  //
  // If `cutoff` was read before `rings` was filled, and a record is visited,
  // then all records that were logged before it, on any thread, are visited
  // before it.
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
  // A ring whose next record is to be visited.
  struct Source {
    // Reads the record at `position`. Returns false if there is none to visit.
    bool Read(uint64_t cutoff) {
      at = ring->ring.Read(&position, end);
      if (at == nullptr) return false;
      std::memcpy(&record, at, sizeof(record));
      return record.ticks <= cutoff;
    }
    // Reads the next record.
    bool Advance(uint64_t cutoff) {
      position += record.bytes();
      return Read(cutoff);
    }
    // Releases a quarter of the ring at a time. To release each record would
    // slow the producer's processor down; to release only at the end would let
    // the producer wait.
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

  std::vector<Source> sources_;  // a heap, the earliest record first
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_RING_MERGER_H_

#ifndef SLUICE_EVENT_EVENT_QUEUE_H_
#define SLUICE_EVENT_EVENT_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/cpu_relax.h"
#include "sluice/event/process_fence.h"

namespace sluice {

// A bounded FIFO mailbox of values, with any number of producers and one
// consumer. Items of one producer keep their order. The queue wakes no thread:
// TryPush() returns kPushedFirst when the caller must wake the consumer. The
// queue allocates its capacity once and never blocks. If a producer is
// descheduled in the middle of a push, only the items behind its own are
// delayed. The queue is for users' tasks and events; the library's own work is
// queued as Tasks, which no bound can refuse.
//
// A consumer that has drained the queue calls PrepareToSleep(). If that returns
// true, the consumer may sleep: a later push returns kPushedFirst. The producer
// that gets kPushedFirst wakes the consumer, which then drains, and calls
// PrepareToSleep() again. A new queue behaves as if PrepareToSleep() had
// returned true.
//
// A push costs one locked instruction, however many items it pushes. Memory:
// one item and 8 bytes for each cell.
template <typename T>
class EventQueue {
  static_assert(std::is_nothrow_move_constructible_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  enum class PushResult {
    kPushed,
    kPushedFirst,  // the consumer may be asleep: wake it
    kFull,         // nothing was pushed
    kClosed,       // nothing was pushed
  };

  // Rounds `capacity` up to a power of two, at least 2. Takes some milliseconds
  // if this is the first queue of the process and other threads run: see
  // ProcessFence. REQUIRES: 0 < capacity <= 2^31.
  explicit EventQueue(size_t capacity);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  // Destroys the items that were not consumed. In the child of a fork(), an
  // item that another thread was pushing at the fork() is left alone. REQUIRES:
  // no other call is under way, unless this is the child of a fork().
  ~EventQueue();

  // Any thread. Lock-free. Pushes `item`, or leaves it untouched if the result
  // is kFull or kClosed. At most one push after each PrepareToSleep() returns
  // kPushedFirst.
  [[nodiscard]] PushResult TryPush(T&& item);

  // Any thread. Moves items from the front of `*items` into the queue, as many
  // as there is room for, at the cost of one push. Items of other producers do
  // not come between them. Removes the pushed items from `*items` and leaves
  // the rest untouched; if the result is kFull or kClosed, none was pushed.
  // REQUIRES: `*items` is not empty.
  [[nodiscard]] PushResult TryPushBatch(absl::Span<T>* items);

  // Any thread. Closes the queue. A push that begins after Close() has returned
  // gets kClosed; a push during Close() gets kClosed or succeeds. Queued items
  // can still be consumed.
  void Close();

  // Consumer only. Passes items to `consume`, in order, and returns their
  // number: at most `max_items`, and only items that were queued when Drain()
  // was called, so that an item which pushes another one cannot starve the
  // consumer. The cell of an item is free before `consume` gets the item.
  // Calls consume(T&&) once for each item, inside this call. REQUIRES: not
  // called from `consume`.
  template <typename Consume>
  size_t Drain(size_t max_items, Consume consume);

  // Consumer only. Returns true if no item can be drained yet and a push that
  // returns later, even one that has begun, will return kPushedFirst. Returns
  // false if there is an item, or is about to be one, that no kPushedFirst
  // announces: drain again. REQUIRES: not called from `consume`.
  [[nodiscard]] bool PrepareToSleep();

 private:
  // Positions count pushes from 0 and do not wrap: 2^62 pushes take longer than
  // a machine lives. A producer claims positions by moving tail_ past them,
  // fills their cells, and publishes each cell by its `sequence`. The consumer
  // frees positions by moving head_ past them. Position p uses cell p %
  // capacity, and the cell is filled when its `sequence` is p + 1.
  // event_queue_model_test.cc executes this protocol in all interleavings of
  // small cases.
  struct Cell {
    Cell() {}
    ~Cell() {}

    std::atomic<uint64_t> sequence{0};
    union {
      T item;
    };
  };

  // Bits of tail_, beside the position.
  static constexpr uint64_t kClosedBit = uint64_t{1} << 63;
  // The producer that claims next returns kPushedFirst and clears this bit.
  static constexpr uint64_t kArmedBit = uint64_t{1} << 62;
  static constexpr uint64_t kPositionMask = kArmedBit - 1;
  static constexpr uint64_t kNowhere = ~uint64_t{0};

  // Rounds of a spin: the time of some pushes that are not interrupted.
  static constexpr int kPatience = 32;
  static constexpr uint64_t kFew = 32;  // items

  struct Claim {
    uint64_t position;
    uint64_t count;  // 0 if nothing was claimed, for the reason in `result`
    PushResult result;
  };

  static size_t CellCount(size_t capacity) {
    SLUICE_CHECK(capacity > 0 && capacity <= size_t{1} << 31);
    return std::bit_ceil(std::max<size_t>(capacity, 2));
  }
  Cell& CellAt(uint64_t position) { return cells_[position & mask_]; }

  Claim TryClaim(uint64_t wanted);
  uint64_t RoomAt(uint64_t position, uint64_t wanted);
  PushResult Publish(const Claim& claim);
  bool IsFilled(uint64_t position);
  uint64_t CountQueued(uint64_t head, uint64_t max);

  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  const ProcessFence fence_;
  // The position that the consumer waits for although it is claimed. Not a
  // SleepFlag: fence_ spares each push a locked instruction.
  std::atomic<uint64_t> awaited_{kNowhere};

  // Three groups on cache lines of their own: producers often write the first
  // two fields, the consumer writes the next two, and all threads read the
  // rest, which rarely changes. The fields are padded, not aligned, so that a
  // class with a queue as a member needs no special alignment.
  [[maybe_unused]] char padding_before_tail_[ABSL_CACHELINE_SIZE];
  std::atomic<uint64_t> tail_{kArmedBit};
  // Positions below limit_ are free. limit_ is head_ + capacity as a producer
  // last saw it, so that producers need not read the consumer's cache line at
  // each push.
  std::atomic<uint64_t> limit_;
  [[maybe_unused]] char padding_before_head_[ABSL_CACHELINE_SIZE];
  std::atomic<uint64_t> head_{0};
  uint64_t announced_ = 0;  // position whose push will return kPushedFirst
  [[maybe_unused]] char padding_after_head_[ABSL_CACHELINE_SIZE];
};

template <typename T>
EventQueue<T>::EventQueue(size_t capacity)
    : mask_(CellCount(capacity) - 1),
      cells_(new Cell[mask_ + 1]),
      limit_(mask_ + 1) {}

template <typename T>
EventQueue<T>::~EventQueue() {
  // Relaxed: the thread that may destroy the queue has seen the last push and
  // the last drain.
  const uint64_t tail = tail_.load(std::memory_order_relaxed) & kPositionMask;
  for (uint64_t p = head_.load(std::memory_order_relaxed); p != tail; ++p) {
    if (IsFilled(p)) std::destroy_at(&CellAt(p).item);
  }
}

// Always inlined: the compiler can then often construct the item in its cell,
// which saves a tenth of the time.
template <typename T>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline typename EventQueue<T>::PushResult
EventQueue<T>::TryPush(T&& item) {
  const Claim claim = TryClaim(1);
  if (claim.count == 0) return claim.result;
  std::construct_at(&CellAt(claim.position).item, std::move(item));
  return Publish(claim);
}

template <typename T>
typename EventQueue<T>::PushResult EventQueue<T>::TryPushBatch(
    absl::Span<T>* items) {
  const Claim claim = TryClaim(items->size());
  for (uint64_t i = 0; i < claim.count; ++i) {
    std::construct_at(&CellAt(claim.position + i).item, std::move((*items)[i]));
  }
  items->remove_prefix(claim.count);
  return claim.count == 0 ? claim.result : Publish(claim);
}

template <typename T>
typename EventQueue<T>::Claim EventQueue<T>::TryClaim(uint64_t wanted) {
  // Relaxed: the value is a guess that the exchange below verifies. After
  // Close() has returned, coherence makes the closed bit visible here.
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  while (true) {
    if ((tail & kClosedBit) != 0) return {0, 0, PushResult::kClosed};
    const uint64_t position = tail & kPositionMask;
    const uint64_t count = std::min(wanted, RoomAt(position, wanted));
    if (count == 0) return {0, 0, PushResult::kFull};
    // Relaxed: the exchange divides positions among producers and takes the
    // armed bit, and for that it only needs to be the next change of this one
    // variable. Items are published by the `sequence` of their cells, and cells
    // are freed by head_.
    if (tail_.compare_exchange_weak(tail, position + count,
                                    std::memory_order_relaxed)) {
      return {position, count,
              (tail & kArmedBit) != 0 ? PushResult::kPushedFirst
                                      : PushResult::kPushed};
    }
    // Another producer holds the cache line: let it push several items.
    for (int i = 0; i < kPatience; ++i) CpuRelax();
  }
}

// Returns how many cells are free from `position` on. The number is exact if it
// is less than `wanted`.
template <typename T>
uint64_t EventQueue<T>::RoomAt(uint64_t position, uint64_t wanted) {
  // Acquire twice, and release: the producer fills a cell after the consumer's
  // last use of the cell, even if another producer has read head_.
  uint64_t limit = limit_.load(std::memory_order_acquire);
  if (limit < position + wanted) {
    limit = head_.load(std::memory_order_acquire) + mask_ + 1;
    if (limit <= position) return 0;  // without writing the cache line
    limit_.store(limit, std::memory_order_release);
  }
  return limit - position;
}

template <typename T>
typename EventQueue<T>::PushResult EventQueue<T>::Publish(const Claim& claim) {
  for (uint64_t p = claim.position; p != claim.position + claim.count; ++p) {
    CellAt(p).sequence.store(p + 1,
                             std::memory_order_release);  // publishes item
  }
  // A consumer that executes fence_ between its own store and load, in
  // PrepareToSleep(), sees the stores above before the load below. So a
  // compiler fence is enough here.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint64_t awaited = awaited_.load(std::memory_order_relaxed);
  if (awaited - claim.position < claim.count) return PushResult::kPushedFirst;
  return claim.result;
}

template <typename T>
void EventQueue<T>::Close() {
  // Relaxed: in the order of changes of tail_, the exchange of a push either
  // comes before this change or fails. This change publishes nothing else.
  tail_.fetch_or(kClosedBit, std::memory_order_relaxed);
}

template <typename T>
template <typename Consume>
size_t EventQueue<T>::Drain(size_t max_items, Consume consume) {
  // Relaxed: only the consumer writes head_.
  uint64_t head = head_.load(std::memory_order_relaxed);
  const uint64_t limit = CountQueued(head, max_items);
  size_t count = 0;
  for (; count < limit && IsFilled(head); ++count) {
    Cell& cell = CellAt(head);
    T item = std::move(cell.item);
    std::destroy_at(&cell.item);
    // Release: orders the use of the cell before the store.
    head_.store(++head, std::memory_order_release);
    consume(std::move(item));
  }
  return count;
}

// Returns a count between the items that are filled at `head` and those that
// are claimed, at most `max`. Does not read tail_ if few items are filled, to
// leave its cache line to the producers.
template <typename T>
uint64_t EventQueue<T>::CountQueued(uint64_t head, uint64_t max) {
  uint64_t count = 0;
  while (count < kFew && IsFilled(head + count)) ++count;
  if (count == kFew) {
    // Relaxed: tail_ is past the filled cells, which were claimed before.
    count = (tail_.load(std::memory_order_relaxed) & kPositionMask) - head;
  }
  return std::min(count, max);
}

template <typename T>
bool EventQueue<T>::IsFilled(uint64_t position) {
  // Acquire: makes the item visible, and the claim of its position.
  return CellAt(position).sequence.load(std::memory_order_acquire) ==
         position + 1;
}

template <typename T>
bool EventQueue<T>::PrepareToSleep() {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  if (announced_ == head) return !IsFilled(head);
  // Relaxed, all three: if `head` is not claimed when the bit is set, then its
  // claim is a later change of this same variable, and sees the bit.
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  while ((tail & kPositionMask) == head) {
    if (tail_.compare_exchange_weak(tail, tail | kArmedBit,
                                    std::memory_order_relaxed)) {
      announced_ = head;
      return true;
    }
  }
  // The position is claimed: its cell is filled or about to be filled, unless
  // the producer is descheduled.
  for (int i = 0; i < kPatience; ++i) {
    if (IsFilled(head)) return false;
    CpuRelax();
  }
  // Relaxed, and ordered by the fence: either the producer's load in Publish()
  // reads this store, or IsFilled() below reads the producer's store.
  awaited_.store(head, std::memory_order_relaxed);
  if (!fence_.Execute() || IsFilled(head)) return false;
  announced_ = head;
  return true;
}

}  // namespace sluice

#endif  // SLUICE_EVENT_EVENT_QUEUE_H_

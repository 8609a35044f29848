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

// A bounded FIFO mailbox of values: any number of producers, one consumer.
// Items of one producer keep their order. Wakes nobody: kPushedFirst says when
// to. Allocates its capacity once, and never blocks: a producer that is
// descheduled in the middle of a push delays the items behind its own, and
// nobody else. For users' tasks and events; the library's own duties travel as
// ExecTasks, which no bound can refuse.
//
// A consumer that has drained asks PrepareToSleep(). If it may, the next item
// will be announced by a kPushedFirst, which is returned after the question was
// asked. Whoever gets one wakes the consumer, which then drains, and asks
// again. A new queue counts as one whose consumer has asked and may.
//
// A push is one locked instruction, however many items it pushes. Memory: an
// item and 8 bytes for each cell.
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

  // Rounded up to a power of two, at least 2. Takes some milliseconds if it is
  // the first queue of the process and other threads run: see ProcessFence.
  // REQUIRES: 0 < capacity <= 2^31.
  explicit EventQueue(size_t capacity);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  // Destroys what was not consumed. REQUIRES: no other call is under way; or
  // this is the child of a fork(), where an item of which another thread was in
  // the middle is left alone.
  ~EventQueue();

  // Any thread. Lock-free. `item` is untouched unless it was pushed. At most
  // one push per PrepareToSleep() returns kPushedFirst.
  [[nodiscard]] PushResult TryPush(T&& item);

  // Any thread. Moves as many of `*items` as there is room for, from the front,
  // for the price of one push; nobody else's come between them. Leaves in
  // `*items` those that were not pushed, untouched: all of them when it is
  // kFull or kClosed. REQUIRES: `*items` is not empty.
  [[nodiscard]] PushResult TryPushBatch(absl::Span<T>* items);

  // Any thread. Pushes that begin after it returned get kClosed; one under way
  // meanwhile gets that, or succeeds. What is queued stays consumable.
  void Close();

  // Consumer only. Hands over, in order, up to `max_items` of those queued at
  // the call, so that an item which pushes another cannot starve the consumer;
  // returns how many. An item's cell is free again when `consume` gets it.
  // REQUIRES: not called from `consume`.
  template <typename Consume>
  size_t Drain(size_t max_items, Consume consume);

  // Consumer only. False: there is an item, or will be at once, that nobody
  // announces, so drain again. REQUIRES: not called from `consume`.
  [[nodiscard]] bool PrepareToSleep();

 private:
  // Positions count pushes from 0 and do not wrap: 2^62 are more than a machine
  // lives to see. A producer claims positions by moving tail_ past them, fills
  // their cells and publishes each by its turn; the consumer frees them by
  // moving head_ past them. Position p uses cell p % capacity, which is filled
  // when its turn is p + 1. event_queue_model_test.cc executes all this in all
  // interleavings of small cases.
  struct Cell {
    Cell() {}
    ~Cell() {}

    std::atomic<uint64_t> turn{0};
    union {
      T item;
    };
  };

  // In tail_, beside the position.
  static constexpr uint64_t kClosedBit = uint64_t{1} << 63;
  // Whoever claims next announces what it pushes, and clears the bit.
  static constexpr uint64_t kArmedBit = uint64_t{1} << 62;
  static constexpr uint64_t kPositionMask = kArmedBit - 1;
  static constexpr uint64_t kNowhere = ~uint64_t{0};

  // Turns of a spin: some pushes that nobody interrupts.
  static constexpr int kPatience = 32;
  static constexpr uint64_t kFew = 32;  // items

  struct Claim {
    uint64_t position;
    uint64_t count;  // 0: none, for the reason in `result`
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
  T Take(uint64_t position);

  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  const ProcessFence fence_;
  // The position that the consumer waits for although it is claimed. Not a
  // SleepFlag: fence_ spares each push a locked instruction.
  std::atomic<uint64_t> awaited_{kNowhere};

  // On cache lines of their own: producers write the first two all the time,
  // the consumer the next two, and everybody reads the rest, which changes
  // rarely. Padded rather than aligned, so that whoever has a queue for a
  // member needs no special alignment.
  [[maybe_unused]] char padding_before_tail_[ABSL_CACHELINE_SIZE];
  std::atomic<uint64_t> tail_{kArmedBit};
  // Positions below it are free. It is head_ + capacity as some producer last
  // saw it, so that they need not look at the consumer's line at each push.
  std::atomic<uint64_t> limit_;
  [[maybe_unused]] char padding_before_head_[ABSL_CACHELINE_SIZE];
  std::atomic<uint64_t> head_{0};
  uint64_t announced_ = 0;  // the position whose push will be a kPushedFirst
  [[maybe_unused]] char padding_after_head_[ABSL_CACHELINE_SIZE];
};

template <typename T>
EventQueue<T>::EventQueue(size_t capacity)
    : mask_(CellCount(capacity) - 1),
      cells_(new Cell[mask_ + 1]),
      limit_(mask_ + 1) {}

template <typename T>
EventQueue<T>::~EventQueue() {
  // Relaxed: whoever may destroy the queue has seen the last push and drain.
  const uint64_t tail = tail_.load(std::memory_order_relaxed) & kPositionMask;
  for (uint64_t p = head_.load(std::memory_order_relaxed); p != tail; ++p) {
    if (IsFilled(p)) std::destroy_at(&CellAt(p).item);
  }
}

// Inlined: the item is then often made in its cell, which is worth a tenth.
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
  // Relaxed: a guess that the exchange below verifies. After Close() returned
  // it is not too old to have the bit, by coherence.
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  while (true) {
    if ((tail & kClosedBit) != 0) return {0, 0, PushResult::kClosed};
    const uint64_t position = tail & kPositionMask;
    const uint64_t count = std::min(wanted, RoomAt(position, wanted));
    if (count == 0) return {0, 0, PushResult::kFull};
    // Relaxed: it divides the positions among producers, and takes the armed
    // bit, by being the next change of this one variable. Items are published
    // by the turns of their cells, and cells are freed by head_.
    if (tail_.compare_exchange_weak(tail, position + count,
                                    std::memory_order_relaxed)) {
      return {position, count,
              (tail & kArmedBit) != 0 ? PushResult::kPushedFirst
                                      : PushResult::kPushed};
    }
    // Another producer has the cache line: let it push more than one.
    for (int i = 0; i < kPatience; ++i) CpuRelax();
  }
}

// How many cells are free from `position` on; exact if fewer than `wanted`.
template <typename T>
uint64_t EventQueue<T>::RoomAt(uint64_t position, uint64_t wanted) {
  // Acquire, twice, and release: whoever fills a cell comes after the
  // consumer's last use of it, also when another producer read head_.
  uint64_t limit = limit_.load(std::memory_order_acquire);
  if (limit < position + wanted) {
    limit = head_.load(std::memory_order_acquire) + mask_ + 1;
    if (limit <= position) return 0;  // and leaves the line as it is
    limit_.store(limit, std::memory_order_release);
  }
  return limit - position;
}

template <typename T>
typename EventQueue<T>::PushResult EventQueue<T>::Publish(const Claim& claim) {
  for (uint64_t p = claim.position; p != claim.position + claim.count; ++p) {
    CellAt(p).turn.store(p + 1, std::memory_order_release);  // the item
  }
  // The stores above come before the load below, in the eyes of a consumer that
  // executes fence_ in between its own: PrepareToSleep(). Here the compiler
  // alone must be told.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint64_t awaited = awaited_.load(std::memory_order_relaxed);
  if (awaited - claim.position < claim.count) return PushResult::kPushedFirst;
  return claim.result;
}

template <typename T>
void EventQueue<T>::Close() {
  // Relaxed: the exchange of a push either comes before it in the order of
  // changes of tail_, or fails. Nothing else is published by it.
  tail_.fetch_or(kClosedBit, std::memory_order_relaxed);
}

template <typename T>
template <typename Consume>
size_t EventQueue<T>::Drain(size_t max_items, Consume consume) {
  // Relaxed: nobody else writes it.
  uint64_t head = head_.load(std::memory_order_relaxed);
  const uint64_t limit = CountQueued(head, max_items);
  size_t count = 0;
  for (; count < limit && IsFilled(head); ++count) {
    T item = Take(head);
    // Release: the use of the cell.
    head_.store(++head, std::memory_order_release);
    consume(std::move(item));
  }
  return count;
}

// At least as many as are filled at `head`, and no more than are claimed. If
// they are few, leaves tail_ to the producers.
template <typename T>
uint64_t EventQueue<T>::CountQueued(uint64_t head, uint64_t max) {
  uint64_t count = 0;
  while (count < kFew && IsFilled(head + count)) ++count;
  if (count == kFew) {
    // Relaxed: past what is filled, whose claim came before.
    count = (tail_.load(std::memory_order_relaxed) & kPositionMask) - head;
  }
  return std::min(count, max);
}

template <typename T>
bool EventQueue<T>::IsFilled(uint64_t position) {
  // Acquire: the item, and that its position was claimed.
  return CellAt(position).turn.load(std::memory_order_acquire) == position + 1;
}

template <typename T>
T EventQueue<T>::Take(uint64_t position) {
  Cell& cell = CellAt(position);
  T item = std::move(cell.item);
  std::destroy_at(&cell.item);
  return item;
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
  // Claimed: filled, or about to be, unless its producer is descheduled.
  for (int i = 0; i < kPatience; ++i) {
    if (IsFilled(head)) return false;
    CpuRelax();
  }
  // Relaxed, and ordered by the fence: either that producer's load in Publish()
  // reads this store, or its store is read below.
  awaited_.store(head, std::memory_order_relaxed);
  if (!fence_.Execute() || IsFilled(head)) return false;
  announced_ = head;
  return true;
}

}  // namespace sluice

#endif  // SLUICE_EVENT_EVENT_QUEUE_H_

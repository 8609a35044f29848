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

#include "absl/base/optimization.h"
#include "absl/functional/function_ref.h"
#include "sluice/base/check.h"

namespace sluice {

// A bounded FIFO mailbox of values: any number of producers, one consumer.
// Items of one producer keep their order. Wakes nobody: kPushedFirst says when
// to. Allocates its capacity once, and never blocks: a producer that is
// descheduled in the middle of a push delays the items behind its own, and
// nobody else. For users' tasks and events; the library's own duties travel as
// ExecTasks, which no bound can refuse.
//
// The consumer may sleep after a Drain() that returned less than its
// `max_items`: whatever that call did not hand over is announced by a
// kPushedFirst that is returned after the call began. Whoever gets one wakes
// the consumer, which then drains again. Before the first Drain() the consumer
// counts as asleep.
template <typename T>
class EventQueue {
  static_assert(std::is_nothrow_move_constructible_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  enum class PushResult {
    kPushed,
    kPushedFirst,  // the consumer may be asleep: wake it
    kFull,         // `item` untouched
    kClosed,       // `item` untouched
  };

  // Rounded up to a power of two, at least 2. REQUIRES: 0 < capacity <= 2^31.
  explicit EventQueue(size_t capacity);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  // Destroys what was not consumed. REQUIRES: no other call is under way.
  ~EventQueue();

  // Any thread. Lock-free. At most one push per Drain() returns kPushedFirst.
  [[nodiscard]] PushResult TryPush(T&& item);

  // Any thread. Pushes that begin after it returned get kClosed; one under way
  // meanwhile gets that, or succeeds. What is queued stays consumable.
  void Close();

  // Consumer only. Hands over, in order, up to `max_items` of those queued at
  // the call, so that an item which pushes another cannot starve the consumer;
  // returns how many. If that is `max_items`, more may be queued and nobody
  // will announce it: call again before sleeping. An item's cell is free again
  // when `consume` gets it. REQUIRES: not called from `consume`.
  size_t Drain(size_t max_items, absl::FunctionRef<void(T&&)> consume);

 private:
  // Positions count pushes from 0 and do not wrap: 2^63 are more than a machine
  // lives to see. Position p uses cell p % capacity, whose turn says whose it
  // is: p when the producer of p may fill it, p + 1 when it is filled, and
  // p + capacity, the next position of this cell, when it was consumed.
  struct Cell {
    Cell() {}
    ~Cell() {}

    std::atomic<uint64_t> turn;
    union {
      T item;
    };
  };

  // In tail_, beside the position.
  static constexpr uint64_t kClosedBit = uint64_t{1} << 63;

  static size_t CellCount(size_t capacity) {
    SLUICE_CHECK(capacity > 0 && capacity <= size_t{1} << 31);
    return std::bit_ceil(std::max<size_t>(capacity, 2));
  }

  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;

  // On cache lines of their own: producers write the first all the time, the
  // consumer the second, and everybody reads the rest, which changes rarely.
  // Padded rather than aligned, so that whoever has a queue for a member needs
  // no special alignment.
  [[maybe_unused]] char padding_before_tail_[ABSL_CACHELINE_SIZE];
  std::atomic<uint64_t> tail_{0};
  [[maybe_unused]] char padding_before_head_[ABSL_CACHELINE_SIZE];
  uint64_t head_ = 0;
  [[maybe_unused]] char padding_before_armed_[ABSL_CACHELINE_SIZE];
  // The next push to be published is a kPushedFirst.
  std::atomic<bool> armed_{true};
};

template <typename T>
EventQueue<T>::EventQueue(size_t capacity)
    : mask_(CellCount(capacity) - 1), cells_(new Cell[mask_ + 1]) {
  for (size_t i = 0; i <= mask_; ++i) {
    // Relaxed: whoever hands the queue to other threads publishes it.
    cells_[i].turn.store(i, std::memory_order_relaxed);
  }
}

template <typename T>
EventQueue<T>::~EventQueue() {
  // Relaxed: whoever may destroy the queue has seen the last push and drain.
  const uint64_t tail = tail_.load(std::memory_order_relaxed) & ~kClosedBit;
  for (; head_ != tail; ++head_) std::destroy_at(&cells_[head_ & mask_].item);
}

template <typename T>
typename EventQueue<T>::PushResult EventQueue<T>::TryPush(T&& item) {
  // Relaxed: a guess that the exchange below verifies. After Close() returned
  // it is not too old to have the bit, by coherence.
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  Cell* cell;
  while (true) {
    if ((tail & kClosedBit) != 0) return PushResult::kClosed;
    cell = &cells_[tail & mask_];
    // Acquire: the consumer's last use of the item that was here.
    const uint64_t turn = cell->turn.load(std::memory_order_acquire);
    if (turn < tail) return PushResult::kFull;
    if (turn > tail) {  // another producer was faster
      tail = tail_.load(std::memory_order_relaxed);
      continue;
    }
    // Sequentially consistent: a Drain() that reads an older tail comes before
    // it, and has set armed_ before what is read below. Relaxed on failure:
    // again a guess.
    if (tail_.compare_exchange_weak(tail, tail + 1, std::memory_order_seq_cst,
                                    std::memory_order_relaxed)) {
      break;
    }
  }
  std::construct_at(&cell->item, std::move(item));
  // Publishes the item, and comes before the look at armed_ in the one order of
  // all sequentially consistent operations. In Drain() it is the other way
  // round, so it cannot be that Drain() misses the item and we miss armed_.
  cell->turn.store(tail + 1, std::memory_order_seq_cst);
  // The load spares others the cache line. When the exchange finds false after
  // all, another producer has taken the duty to wake, and the Drain() that it
  // wakes will set armed_ after this exchange and so see the item.
  if (armed_.load(std::memory_order_seq_cst) &&
      armed_.exchange(false, std::memory_order_seq_cst)) {
    return PushResult::kPushedFirst;
  }
  return PushResult::kPushed;
}

template <typename T>
void EventQueue<T>::Close() {
  // Relaxed: an exchange of TryPush() either comes before it in the order of
  // changes of tail_, or fails. Nothing else is published by it.
  tail_.fetch_or(kClosedBit, std::memory_order_relaxed);
}

template <typename T>
size_t EventQueue<T>::Drain(size_t max_items,
                            absl::FunctionRef<void(T&&)> consume) {
  // Before tail_ and turns are read, in the order that TryPush() speaks of:
  // hence all three sequentially consistent.
  armed_.store(true, std::memory_order_seq_cst);
  const uint64_t tail = tail_.load(std::memory_order_seq_cst) & ~kClosedBit;
  const uint64_t limit = std::min<uint64_t>(max_items, tail - head_);
  for (uint64_t count = 0; count < limit; ++count) {
    Cell& cell = cells_[head_ & mask_];
    if (cell.turn.load(std::memory_order_seq_cst) != head_ + 1) return count;
    T item = std::move(cell.item);
    std::destroy_at(&cell.item);
    // Release: the producer whose turn it is now comes after this use.
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    consume(std::move(item));
  }
  return limit;
}

}  // namespace sluice

#endif  // SLUICE_EVENT_EVENT_QUEUE_H_

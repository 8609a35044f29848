#ifndef SLUICE_BENCH_QUEUE_CONTENDERS_H_
#define SLUICE_BENCH_QUEUE_CONTENDERS_H_

#include <concurrentqueue/concurrentqueue.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <atomic>
#include <boost/lockfree/queue.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "sluice/base/cpu_relax.h"
#include "sluice/event/event_queue.h"

// Queues between threads, all with the same calls:
//
//   Q(size_t capacity);
//   bool Push(T&& item);        called from any thread, through its own
//                               Q::Producer
//   size_t Drain(consume);      called from one thread; returns the number of
//                               items that were consumed
//
// Unless its comment says otherwise, a queue is bounded by `capacity`, and
// Push() returns false when the queue is full.
namespace sluice {

// The producer of one thread, which passes each call on to the queue. Most
// queues need nothing else.
template <typename Q>
class PlainProducer {
 public:
  explicit PlainProducer(Q* queue) : queue_(queue) {}
  template <typename T>
  bool Push(T&& item) {
    return queue_->Push(std::forward<T>(item));
  }

 private:
  Q* const queue_;
};

// The least for one producer: a ring without a locked instruction that moves no
// item twice.
template <typename T>
class BareSpscRing {
 public:
  using Producer = PlainProducer<BareSpscRing>;

  explicit BareSpscRing(size_t capacity)
      : mask_(capacity - 1), items_(new T[capacity]), limit_(capacity) {}
  bool Push(T&& item) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == limit_) {
      limit_ = head_.load(std::memory_order_acquire) + mask_ + 1;
      if (tail == limit_) return false;
    }
    items_[tail & mask_] = std::move(item);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  template <typename Consume>
  size_t Drain(Consume consume) {
    const uint64_t begin = head_.load(std::memory_order_relaxed);
    const uint64_t end = tail_.load(std::memory_order_acquire);
    for (uint64_t i = begin; i != end; ++i) consume(items_[i & mask_]);
    head_.store(end, std::memory_order_release);
    return end - begin;
  }

 private:
  const uint64_t mask_;
  const std::unique_ptr<T[]> items_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  uint64_t limit_;
  alignas(64) std::atomic<uint64_t> head_{0};
};

// The least for several producers: a ring with one locked instruction for a
// push. The sequence number of a cell says who owns the cell. If the number is
// p, the cell belongs to the producer of position p; if the number is p + 1,
// the cell is filled.
template <typename T>
class BareMpscRing {
 public:
  using Producer = PlainProducer<BareMpscRing>;

  explicit BareMpscRing(size_t capacity)
      : mask_(capacity - 1), cells_(new Cell[capacity]) {
    for (size_t i = 0; i < capacity; ++i) cells_[i].sequence = i;
  }
  bool Push(T&& item) {
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    Cell* cell;
    while (true) {
      cell = &cells_[tail & mask_];
      const uint64_t sequence = cell->sequence.load(std::memory_order_acquire);
      if (sequence < tail) return false;
      if (sequence == tail && tail_.compare_exchange_weak(
                                  tail, tail + 1, std::memory_order_relaxed)) {
        break;
      }
      // Another producer was faster. Let that producer go on for a while.
      for (int i = 0; i < 32; ++i) CpuRelax();
      tail = tail_.load(std::memory_order_relaxed);
    }
    cell->item = std::move(item);
    cell->sequence.store(tail + 1, std::memory_order_release);
    return true;
  }
  template <typename Consume>
  size_t Drain(Consume consume) {
    const uint64_t begin = head_;
    while (true) {
      Cell& cell = cells_[head_ & mask_];
      if (cell.sequence.load(std::memory_order_acquire) != head_ + 1) break;
      const T item = cell.item;
      cell.sequence.store(head_ + mask_ + 1, std::memory_order_release);
      ++head_;
      consume(item);
    }
    return head_ - begin;
  }

 private:
  struct Cell {
    std::atomic<uint64_t> sequence;
    T item;
  };

  const uint64_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) uint64_t head_ = 0;
};

template <typename T>
class SluiceQueue {
 public:
  using Producer = PlainProducer<SluiceQueue>;

  explicit SluiceQueue(size_t capacity) : queue_(capacity) {}
  bool Push(T&& item) {
    return queue_.TryPush(std::move(item)) != EventQueue<T>::PushResult::kFull;
  }
  template <typename Consume>
  size_t Drain(Consume consume) {
    return queue_.Drain(SIZE_MAX, consume);
  }

 protected:
  EventQueue<T> queue_;
};

// A SluiceQueue whose consumer calls PrepareToSleep() whenever it found no
// item, but does not sleep.
template <typename T>
class SluiceQueueThatArms : public SluiceQueue<T> {
 public:
  using Producer = PlainProducer<SluiceQueueThatArms>;
  using SluiceQueue<T>::SluiceQueue;

  template <typename Consume>
  size_t Drain(Consume consume) {
    const size_t count = this->queue_.Drain(SIZE_MAX, consume);
    if (count == 0) (void)this->queue_.PrepareToSleep();
    return count;
  }
};

// A SluiceQueue whose producers push 16 items at a time.
template <typename T>
class SluiceQueueOfBatches : public SluiceQueue<T> {
 public:
  class Producer {
   public:
    explicit Producer(SluiceQueueOfBatches* queue) : queue_(&queue->queue_) {}
    ~Producer() {
      while (!Flush()) std::this_thread::yield();
    }
    bool Push(T&& item) {
      if (pending_.size() == kBatch && !Flush()) return false;
      pending_.push_back(std::move(item));
      return true;
    }

   private:
    static constexpr size_t kBatch = 16;

    bool Flush() {
      if (pending_.empty()) return true;
      auto rest = absl::MakeSpan(pending_);
      (void)queue_->TryPushBatch(&rest);
      pending_.erase(pending_.begin(), pending_.end() - rest.size());
      return pending_.empty();
    }

    EventQueue<T>* const queue_;
    std::vector<T> pending_;
  };
  using SluiceQueue<T>::SluiceQueue;
};

// An unbounded queue: only the memory limits it.
template <typename T>
class Moodycamel {
 public:
  using Producer = PlainProducer<Moodycamel>;

  explicit Moodycamel(size_t capacity) : queue_(capacity) {}
  bool Push(T&& item) { return queue_.enqueue(std::move(item)); }
  template <typename Consume>
  size_t Drain(Consume consume) {
    size_t count = 0;
    for (T item; queue_.try_dequeue(item); ++count) consume(item);
    return count;
  }

 protected:
  moodycamel::ConcurrentQueue<T> queue_;
};

// A Moodycamel queue whose consumer takes up to 256 items at a time.
template <typename T>
class MoodycamelInBulk : public Moodycamel<T> {
 public:
  using Producer = PlainProducer<MoodycamelInBulk>;
  using Moodycamel<T>::Moodycamel;

  template <typename Consume>
  size_t Drain(Consume consume) {
    const size_t count = this->queue_.try_dequeue_bulk(items_, kBulk);
    for (size_t i = 0; i < count; ++i) consume(items_[i]);
    return count;
  }

 protected:
  static constexpr size_t kBulk = 256;
  T items_[kBulk];
};

// A MoodycamelInBulk with a token for each producer and a token for the
// consumer.
template <typename T>
class MoodycamelWithTokens : public MoodycamelInBulk<T> {
 public:
  class Producer {
   public:
    explicit Producer(MoodycamelWithTokens* queue)
        : queue_(&queue->queue_), token_(queue->queue_) {}
    bool Push(T&& item) { return queue_->enqueue(token_, std::move(item)); }

   private:
    moodycamel::ConcurrentQueue<T>* const queue_;
    moodycamel::ProducerToken token_;
  };

  explicit MoodycamelWithTokens(size_t capacity)
      : MoodycamelInBulk<T>(capacity), token_(this->queue_) {}
  template <typename Consume>
  size_t Drain(Consume consume) {
    const size_t count =
        this->queue_.try_dequeue_bulk(token_, this->items_, this->kBulk);
    for (size_t i = 0; i < count; ++i) consume(this->items_[i]);
    return count;
  }

 private:
  moodycamel::ConsumerToken token_;
};

// A queue with nodes of its own, which the constructor allocates.
template <typename T>
class BoostLockfree {
 public:
  using Producer = PlainProducer<BoostLockfree>;

  explicit BoostLockfree(size_t capacity) : queue_(capacity) {}
  bool Push(T&& item) { return queue_.bounded_push(item); }
  template <typename Consume>
  size_t Drain(Consume consume) {
    return queue_.consume_all(consume);
  }

 private:
  boost::lockfree::queue<T> queue_;
};

// An unbounded queue: only the memory limits it.
template <typename T>
class TbbQueue {
 public:
  using Producer = PlainProducer<TbbQueue>;

  explicit TbbQueue(size_t /*capacity*/) {}
  bool Push(T&& item) {
    queue_.push(std::move(item));
    return true;
  }
  template <typename Consume>
  size_t Drain(Consume consume) {
    size_t count = 0;
    for (T item; queue_.try_pop(item); ++count) consume(item);
    return count;
  }

 private:
  tbb::concurrent_queue<T> queue_;
};

template <typename T>
class TbbBoundedQueue {
 public:
  using Producer = PlainProducer<TbbBoundedQueue>;

  explicit TbbBoundedQueue(size_t capacity) {
    queue_.set_capacity(static_cast<ptrdiff_t>(capacity));
  }
  bool Push(T&& item) { return queue_.try_push(std::move(item)); }
  template <typename Consume>
  size_t Drain(Consume consume) {
    size_t count = 0;
    for (T item; queue_.try_pop(item); ++count) consume(item);
    return count;
  }

 private:
  tbb::concurrent_bounded_queue<T> queue_;
};

// A deque under a mutex. The consumer takes all items at once.
template <typename T>
class MutexAndDeque {
 public:
  using Producer = PlainProducer<MutexAndDeque>;

  explicit MutexAndDeque(size_t capacity) : capacity_(capacity) {}
  bool Push(T&& item) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (items_.size() == capacity_) return false;
    items_.push_back(std::move(item));
    return true;
  }
  template <typename Consume>
  size_t Drain(Consume consume) {
    taken_.clear();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      taken_.swap(items_);
    }
    for (const T& item : taken_) consume(item);
    return taken_.size();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::deque<T> items_;
  std::deque<T> taken_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_QUEUE_CONTENDERS_H_

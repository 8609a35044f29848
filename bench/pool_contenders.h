#ifndef SLUICE_BENCH_POOL_CONTENDERS_H_
#define SLUICE_BENCH_POOL_CONTENDERS_H_

#if !__has_include(<boost/asio/thread_pool.hpp>) || \
    !__has_include(<tbb/task_group.h>)
#error "libraries to compare with are missing: bench/setup installs them"
#endif

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "sluice/base/check.h"
#include "sluice/base/mutex.h"
#include "sluice/base/strand.h"
#include "sluice/base/task.h"
#include "sluice/base/thread.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"

// Pools of two threads that run tasks, each used as its documentation
// recommends, all with the same calls:
//
//   P()              creates the pool with its threads
//   P::Task          the base class of its tasks, with a virtual Run()
//   Schedule(task)   schedules a task; called from any thread, from `body` of
//                    InProducer(), and from tasks
//   InProducer(body) calls `body`, on a thread that schedules many tasks
//   Drain()          waits until all tasks have run; the last call
//   P::Strand        a strand, with P::Strand(&pool) and Schedule(task)
//
// Some pools have no strand. A pool of callables gets a callable that holds a
// pointer to the task.
namespace sluice {

constexpr int kPoolThreads = 2;

template <typename P>
void StartThreads(P* pool, std::vector<Thread>* threads) {
  for (int i = 0; i < kPoolThreads; ++i) {
    threads->push_back(*Thread::Start("worker", [pool] { pool->Work(); }));
  }
}

// The limit: a list that links the tasks themselves, under one lock. If a
// worker sleeps, Schedule() wakes the worker after it has released the lock.
class BarePool {
 public:
  struct Task {
    virtual void Run() = 0;
    Task* next = nullptr;

   protected:
    ~Task() = default;
  };
  class List {
   public:
    void Push(Task* task) {
      task->next = nullptr;
      *end_ = task;
      end_ = &task->next;
    }
    Task* Pop() {
      Task* const task = first_;
      if (task == nullptr) return nullptr;
      first_ = task->next;
      if (first_ == nullptr) end_ = &first_;
      return task;
    }

   private:
    Task* first_ = nullptr;
    Task** end_ = &first_;
  };

  // A list of tasks under a lock of its own. The strand is a task of the pool
  // while the list has tasks.
  class Strand final : private Task {
   public:
    explicit Strand(BarePool* pool) : pool_(pool) {}

    void Schedule(Task* task) {
      {
        MutexLock lock(&mutex_);
        list_.Push(task);
        if (std::exchange(queued_, true)) return;
      }
      pool_->Schedule(this);
    }

   private:
    static constexpr int kTasksPerRun = 64;

    void Run() override {
      for (int i = 0; i < kTasksPerRun; ++i) {
        Task* const task = Take();
        if (task == nullptr) return;
        task->Run();
      }
      pool_->Schedule(this);
    }
    Task* Take() {
      MutexLock lock(&mutex_);
      Task* const task = list_.Pop();
      queued_ = task != nullptr;
      return task;
    }

    BarePool* const pool_;
    Mutex mutex_;
    List list_ ABSL_GUARDED_BY(mutex_);
    bool queued_ ABSL_GUARDED_BY(mutex_) = false;
  };

  BarePool() { StartThreads(this, &threads_); }

  void Schedule(Task* task) {
    bool wake;
    {
      MutexLock lock(&mutex_);
      list_.Push(task);
      wake = asleep_ > 0;
    }
    if (wake) wanted_.Signal();
  }
  template <typename Body>
  void InProducer(Body body) {
    body();
  }
  void Drain() {
    {
      MutexLock lock(&mutex_);
      ended_ = true;
      wanted_.SignalAll();
    }
    for (Thread& thread : threads_) thread.Join();
  }
  void Work() {
    while (Task* const task = Take()) task->Run();
  }

 private:
  Task* Take() {
    MutexLock lock(&mutex_);
    while (true) {
      Task* const task = list_.Pop();
      if (task != nullptr || ended_) return task;
      ++asleep_;
      wanted_.Wait(&mutex_);
      --asleep_;
    }
  }

  Mutex mutex_;
  CondVar wanted_;
  List list_ ABSL_GUARDED_BY(mutex_);
  int asleep_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

// A WorkerPool that is given tasks.
class SluicePool {
 public:
  struct Task : sluice::Task {
    void Abandon() override { SLUICE_CHECK(false); }
  };
  class Strand {
   public:
    explicit Strand(SluicePool* pool) : strand_(pool->pool_.get()) {}
    void Schedule(Task* task) { strand_.Schedule(task); }

   private:
    sluice::Strand strand_;
  };

  SluicePool()
      : pool_(*WorkerPool::Create({.clock = Clock::Real(),
                                   .num_threads = kPoolThreads,
                                   .max_posted = size_t{1} << 30})) {}

  void Schedule(Task* task) { pool_->Schedule(task); }
  template <typename Body>
  void InProducer(Body body) {
    body();
  }
  void Drain() {
    pool_->Shutdown(WorkerPool::OnShutdown::kDrain, nullptr);
    pool_->Join();
  }

 protected:
  const std::unique_ptr<WorkerPool> pool_;
};

// The base class of the tasks that callables point to.
struct RunnableTask {
  virtual void Run() = 0;

 protected:
  ~RunnableTask() = default;
};

class SluiceCallables : public SluicePool {
 public:
  using Task = RunnableTask;

  void Schedule(Task* task) {
    SLUICE_CHECK(pool_->Post([task] { task->Run(); }).ok());
  }
};

class AsioPool {
 public:
  using Task = RunnableTask;
  class Strand {
   public:
    explicit Strand(AsioPool* pool)
        : strand_(boost::asio::make_strand(pool->pool_)) {}
    void Schedule(Task* task) {
      boost::asio::post(strand_, [task] { task->Run(); });
    }

   private:
    boost::asio::strand<boost::asio::thread_pool::executor_type> strand_;
  };

  void Schedule(Task* task) {
    boost::asio::post(pool_, [task] { task->Run(); });
  }
  template <typename Body>
  void InProducer(Body body) {
    body();
  }
  void Drain() { pool_.join(); }

 private:
  boost::asio::thread_pool pool_{kPoolThreads};
};

// A task_group with producers inside of the arena. Each producer has a queue in
// the arena, and the workers steal from these queues. A thread that waits for
// the group runs tasks too, so that there is one more thread than in other
// pools.
class TbbGroup {
 public:
  using Task = RunnableTask;

  TbbGroup() { arena_.initialize(); }

  void Schedule(Task* task) {
    group_.run([task] { task->Run(); });
  }
  template <typename Body>
  void InProducer(Body body) {
    arena_.execute(body);
  }
  void Drain() {
    arena_.execute([this] { group_.wait(); });
  }

 private:
  static constexpr int kProducers = 4;

  tbb::global_control limit_{tbb::global_control::max_allowed_parallelism,
                             kPoolThreads + kProducers};
  tbb::task_arena arena_{kPoolThreads + kProducers, kProducers};
  tbb::task_group group_;
};

// A task_group with producers outside of the arena. Producers enqueue tasks,
// and only workers enter the arena.
class TbbArena {
 public:
  using Task = RunnableTask;

  TbbArena() { arena_.initialize(); }

  void Schedule(Task* task) {
    arena_.enqueue(group_.defer([task] { task->Run(); }));
  }
  template <typename Body>
  void InProducer(Body body) {
    body();
  }
  void Drain() { group_.wait(); }

 private:
  tbb::global_control limit_{tbb::global_control::max_allowed_parallelism,
                             kPoolThreads + 1};
  tbb::task_arena arena_{kPoolThreads, /*reserved_for_masters=*/0};
  tbb::task_group group_;
};

// A pool as programmers write it without a library: a deque of callables under
// a lock.
class DequePool {
 public:
  using Task = RunnableTask;

  DequePool() { StartThreads(this, &threads_); }

  void Schedule(Task* task) {
    {
      MutexLock lock(&mutex_);
      deque_.push_back([task] { task->Run(); });
    }
    wanted_.Signal();
  }
  template <typename Body>
  void InProducer(Body body) {
    body();
  }
  void Drain() {
    {
      MutexLock lock(&mutex_);
      ended_ = true;
      wanted_.SignalAll();
    }
    for (Thread& thread : threads_) thread.Join();
  }
  void Work() {
    while (const std::function<void()> task = Take()) task();
  }

 private:
  std::function<void()> Take() {
    MutexLock lock(&mutex_);
    while (deque_.empty() && !ended_) wanted_.Wait(&mutex_);
    if (deque_.empty()) return nullptr;
    std::function<void()> task = std::move(deque_.front());
    deque_.pop_front();
    return task;
  }

  Mutex mutex_;
  CondVar wanted_;
  std::deque<std::function<void()>> deque_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_POOL_CONTENDERS_H_

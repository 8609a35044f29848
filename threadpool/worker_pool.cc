#include "sluice/threadpool/worker_pool.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/sequence_role.h"

namespace sluice {

// A callable on its way; deletes itself.
class WorkerPool::CallableTask final : public ExecTask {
 public:
  CallableTask(WorkerPool* pool, Callable callable)
      : pool_(pool), callable_(std::move(callable)) {}

  void Run() override {
    Callable callable = Leave();
    std::move(callable)();
  }
  void Abandon() override { Leave(); }

 private:
  ~CallableTask() override = default;

  Callable Leave() {
    {
      MutexLock lock(&pool_->mutex_);
      --pool_->callables_;
    }
    Callable callable = std::move(callable_);
    delete this;
    return callable;
  }

  WorkerPool* const pool_;
  Callable callable_;
};

absl::StatusOr<std::unique_ptr<WorkerPool>> WorkerPool::Create(
    Options options) {
  if (options.num_threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("WorkerPool: num_threads is ", options.num_threads));
  }
  const int count =
      options.num_threads > 0
          ? options.num_threads
          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  auto pool = absl::WrapUnique(new WorkerPool(options.max_callables));
  for (int i = 0; i < count; ++i) {
    {
      MutexLock lock(&pool->mutex_);
      ++pool->alive_;
    }
    auto thread = Thread::Start(absl::StrCat(options.name, "/", i),
                                [pool = pool.get()] { pool->Work(); });
    if (!thread.ok()) {
      MutexLock lock(&pool->mutex_);
      --pool->alive_;
      return thread.status();
    }
    pool->threads_.push_back(*std::move(thread));
  }
  return pool;
}

WorkerPool::~WorkerPool() {
  bool shut_down;
  {
    MutexLock lock(&mutex_);
    shut_down = shutdown_.has_value();
  }
  if (!shut_down) Shutdown(OnShutdown::kDiscard, [] {});
  if (!threads_.empty()) Join();
}

bool WorkerPool::Submit(ExecTask* task) {
  {
    MutexLock lock(&mutex_);
    if (alive_ > 0 || !shutdown_.has_value()) return Enqueue(task);
    ++stats_.submitted;
    ++stats_.abandoned;
  }
  task->Abandon();
  return true;
}

absl::Status WorkerPool::TrySubmit(Callable&& callable) {
  MutexLock lock(&mutex_);
  if (shutdown_.has_value()) {
    ++stats_.refused;
    return absl::FailedPreconditionError(
        "WorkerPool::TrySubmit: the pool is shut down");
  }
  if (callables_ >= max_callables_) {
    ++stats_.refused;
    return absl::ResourceExhaustedError(absl::StrCat(
        "WorkerPool::TrySubmit: ", callables_, " callables wait already"));
  }
  ++callables_;
  Enqueue(new CallableTask(this, std::move(callable)));
  return absl::OkStatus();
}

bool WorkerPool::Enqueue(ExecTask* task) {
  if (!tasks_.Push(task)) return false;
  ++stats_.submitted;
  // A signal to nobody costs as much as one to somebody.
  if (idle_ > 0) wanted_.Signal();
  return true;
}

void WorkerPool::Shutdown(OnShutdown what, Callable done) {
  MutexLock lock(&mutex_);
  SLUICE_CHECK(!shutdown_.has_value());
  shutdown_ = what;
  done_ = std::move(done);
  wanted_.SignalAll();
}

void WorkerPool::Join() {
  for (Thread& thread : threads_) thread.Join();
  threads_.clear();
}

ExecTask* WorkerPool::Take() {
  while (true) {
    if (ExecTask* const task = tasks_.Pop()) return task;
    if (shutdown_.has_value()) return nullptr;
    ++idle_;
    wanted_.Wait(&mutex_);
    --idle_;
  }
}

void WorkerPool::Work() {
  // So that what must not block can tell where it is.
  SequenceRole role;
  SequenceScope scope(&role);
  mutex_.Lock();
  while (ExecTask* const task = Take()) {
    const bool abandon = shutdown_ == OnShutdown::kDiscard;
    ++stats_.running;
    mutex_.Unlock();
    abandon ? task->Abandon() : task->Run();
    mutex_.Lock();
    --stats_.running;
    ++(abandon ? stats_.abandoned : stats_.completed);
  }
  Callable done;
  if (--alive_ == 0) done = std::move(done_);
  mutex_.Unlock();
  if (done) std::move(done)();
}

WorkerPool::Stats WorkerPool::stats() const {
  MutexLock lock(&mutex_);
  Stats stats = stats_;
  stats.queued = static_cast<size_t>(stats.submitted - stats.completed -
                                     stats.abandoned - stats.running);
  return stats;
}

}  // namespace sluice

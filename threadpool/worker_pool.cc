#include "sluice/threadpool/worker_pool.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"
#include "sluice/base/cpu_count.h"
#include "sluice/base/sequence_role.h"

namespace sluice {

// ---------------------------------------------------------------------------
// Parts
// ---------------------------------------------------------------------------

struct alignas(64) WorkerPool::Worker {
  Worker(WorkerPool* p, size_t i, std::string n)
      : pool(p), index(i), name(std::move(n)) {}

  // The worker, of any pool, that runs on the calling thread; null if none
  // does.
  static inline constinit thread_local Worker* current = nullptr;

  WorkerPool* const pool;
  const size_t index;
  const std::string name;
  std::optional<Thread> thread;

  TaskLane lane;  // tasks that the worker scheduled or took from other lanes

  // Only the worker writes these.
  unsigned finds = 0;  // calls of Find()
  std::atomic<bool> in_task{false};
  Counter completed;
  Counter abandoned;

  // Guarded by the pool's mutex.
  bool is_idle = true;
  MonotonicTime idle_since;
  absl::Duration idle;
};

// A task that runs a callable and deletes itself. EventLoop::Post() allocates
// nothing and takes a third of the time, but its EventQueue has one consumer.
class WorkerPool::CallableTask final : public Task {
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
    pool_->callables_.fetch_sub(1, std::memory_order_relaxed);
    Callable callable = std::move(callable_);
    delete this;
    return callable;
  }

  WorkerPool* const pool_;
  Callable callable_;
};

// ---------------------------------------------------------------------------
// Start and shutdown
// ---------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<WorkerPool>> WorkerPool::Create(
    Options options) {
  if (options.clock == nullptr) {
    return absl::InvalidArgumentError("WorkerPool: clock is null");
  }
  const absl::Status valid =
      CheckOption("WorkerPool: num_threads", options.num_threads, 0, 4096);
  if (!valid.ok()) return valid;
  auto pool = absl::WrapUnique(new WorkerPool(std::move(options)));
  for (const auto& worker : pool->workers_) {
    const absl::Status status = pool->StartThread(worker.get());
    if (!status.ok()) return status;
  }
  return pool;
}

WorkerPool::WorkerPool(Options options)
    : clock_(options.clock),
      max_posted_(options.max_posted),
      created_(clock_->Now()),
      probe_(clock_) {
  const int count = options.num_threads > 0 ? options.num_threads : CpuCount();
  for (int i = 0; i < count; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(this, i, absl::StrCat(options.name, "/", i)));
    workers_.back()->idle_since = created_;
  }
}

// Holds the lock, so that the worker does not begin before it is counted.
absl::Status WorkerPool::StartThread(Worker* worker) {
  MutexLock lock(&mutex_);
  auto thread = Thread::Start(worker->name, [this, worker] { Work(worker); });
  if (!thread.ok()) return thread.status();
  worker->thread.emplace(*std::move(thread));
  ++alive_;
  return absl::OkStatus();
}

WorkerPool::~WorkerPool() {
  if (mode_.load() == Mode::kOpen) Shutdown(OnShutdown::kDiscard, nullptr);
  if (workers_.front()->thread.has_value()) Join();
}

void WorkerPool::operator delete(WorkerPool* pool, std::destroying_delete_t,
                                 std::align_val_t alignment) {
  const bool joined = !pool->workers_.front()->thread.has_value();
  if (!joined && !pool->owner_.IsCurrent()) return;
  pool->~WorkerPool();
  ::operator delete(pool, alignment);
}

void WorkerPool::Shutdown(OnShutdown what, Done done, absl::Duration limit) {
  MutexLock lock(&mutex_);
  SLUICE_CHECK(mode_.load() == Mode::kOpen, "Shutdown() was called before");
  done_ = std::move(done);
  deadline_ = clock_->Now() + limit;
  completed_before_ = Completed();
  mode_.store(what == OnShutdown::kDrain ? Mode::kDrain : Mode::kDiscard);
  // If all workers sleep, one must wake up to see the new mode.
  if (GiveSignal()) wanted_.Signal();
}

void WorkerPool::Join() {
  SLUICE_CHECK(!SequenceRole::OnAny(),
               "Join() would block a loop, a strand or a worker");
  for (const auto& worker : workers_) {
    if (!worker->thread.has_value()) continue;
    worker->thread->Join();
    worker->thread.reset();
  }
}

absl::Status WorkerPool::TryJoin(absl::Duration limit) {
  SLUICE_CHECK(!SequenceRole::OnAny(),
               "TryJoin() would block a loop, a strand or a worker");
  const MonotonicTime deadline = clock_->Now() + limit;
  {
    MutexLock lock(&mutex_);
    while (!is_done_) {
      const absl::Duration left = deadline - clock_->Now();
      if (left <= absl::ZeroDuration()) break;
      if (all_done_.WaitWithTimeout(&mutex_, left)) break;
    }
    if (!is_done_) {
      return absl::DeadlineExceededError(
          absl::StrCat("WorkerPool::TryJoin: workers still run after ",
                       absl::FormatDuration(limit),
                       "; in a task: ", absl::StrJoin(InTask(), ", ")));
    }
  }
  Join();
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------
// Scheduling
// ---------------------------------------------------------------------------

bool WorkerPool::Schedule(Task* task) {
  Worker* const worker = Worker::current;
  const bool own = worker != nullptr && worker->pool == this;
  const bool measured = probe_.BeforeSchedule(task);
  if (!(own ? worker->lane : shared_).Push(task)) {
    if (measured) probe_.NotScheduled(task);
    return false;
  }
  if (attention_.load() != 0) Attend();
  return true;
}

absl::Status WorkerPool::Post(Callable&& callable) {
  if (mode_.load() != Mode::kOpen) {
    posts_refused_.Add();
    return absl::CancelledError("WorkerPool::Post: the pool is shut down");
  }
  const size_t waiting = callables_.fetch_add(1, std::memory_order_relaxed);
  if (waiting >= max_posted_) {
    callables_.fetch_sub(1, std::memory_order_relaxed);
    posts_refused_.Add();
    return absl::ResourceExhaustedError(
        "WorkerPool::Post: max_posted callables are waiting");
  }
  Schedule(new CallableTask(this, std::move(callable)));
  return absl::OkStatus();
}

void WorkerPool::Attend() {
  bool ended;
  {
    MutexLock lock(&mutex_);
    ended = HasEnded();
    if (!ended && !GiveSignal()) return;
  }
  // Outside the lock, which the woken worker takes at once.
  ended ? AbandonAll() : wanted_.Signal();
}

bool WorkerPool::GiveSignal() {
  if (attention_.load() == 0) return false;
  attention_.fetch_sub(1);
  ++signals_;
  ++wakes_;
  return true;
}

// ---------------------------------------------------------------------------
// Working
// ---------------------------------------------------------------------------

void WorkerPool::Work(Worker* worker) {
  Worker::current = worker;
  // Code that must not block on a worker asks SequenceRole::OnAny().
  SequenceRole role;
  SequenceScope scope(&role);
  {
    MutexLock lock(&mutex_);
    EndIdle(worker);
  }
  while (Task* const task = Take(worker)) Execute(worker, task);
  Leave(worker);
}

Task* WorkerPool::Take(Worker* worker) {
  while (true) {
    Task* task = Find(worker);
    if (task == nullptr) task = FindOrSleep(worker);
    if (task != nullptr) {
      probe_.AfterTake(task);
      return task;
    }
    if (HasEnded()) return nullptr;
  }
}

// Looks at the worker's own lane and the shared lane alternately, so that no
// task in one of them starves behind the other, and sometimes at the lanes of
// other workers first, for the same reason. If a worker is stuck in a task, its
// lane is served by the nearest worker before it, in the order of Steal(), that
// is not stuck: the lanes between the two have a finite number of tasks.
Task* WorkerPool::Find(Worker* worker) {
  const unsigned find = ++worker->finds % kFindsPerRound;
  if (find == 0) {
    probe_.Want();
    if (Task* const task = Steal(worker, /*limit=*/0)) return task;
  }
  TaskLane* const lanes[] = {&worker->lane, &shared_};
  if (Task* const task = lanes[find % 2]->Pop()) return task;
  if (Task* const task = lanes[1 - find % 2]->Pop()) return task;
  return Steal(worker, kMostStolen);
}

Task* WorkerPool::Steal(Worker* worker, size_t limit) {
  for (size_t i = 1; i < workers_.size(); ++i) {
    Worker& other = *workers_[(worker->index + i) % workers_.size()];
    Task* const task = worker->lane.StealFrom(&other.lane, limit);
    if (task == nullptr) continue;
    // While tasks moved to this lane, a third worker may have found none and
    // gone to sleep.
    if (limit > 0 && attention_.load() != 0) Attend();
    return task;
  }
  return nullptr;
}

void WorkerPool::Execute(Worker* worker, Task* task) {
  const Mode mode = mode_.load(std::memory_order_acquire);
  worker->in_task.store(true, std::memory_order_relaxed);
  if (mode == Mode::kDiscard || (mode == Mode::kDrain && PastDeadline())) {
    task->Abandon();
    worker->abandoned.AddLocal();
  } else {
    task->Run();
    worker->completed.AddLocal();
    NoteIfOverdue(*worker);
  }
  worker->in_task.store(false, std::memory_order_relaxed);
}

Task* WorkerPool::FindOrSleep(Worker* worker) {
  probe_.Want();
  MutexLock lock(&mutex_);
  attention_.fetch_add(1);
  // This worker sees a task that was queued before. A thread that queues a task
  // later sees attention_. That thread waits for the lock, and then gives a
  // signal, or abandons the task if the pool has ended.
  if (Task* const task = PopAny()) {
    attention_.fetch_sub(1);
    return task;
  }
  ++asleep_;
  if (mode_.load() != Mode::kOpen && asleep_ == alive_) {
    attention_.fetch_or(kEnded);
    wanted_.SignalAll();
  }
  BeginIdle(worker);
  while (signals_ == 0 && !HasEnded()) wanted_.Wait(&mutex_);
  EndIdle(worker);
  --asleep_;
  if (signals_ > 0) --signals_;
  return nullptr;
}

void WorkerPool::Leave(Worker* worker) {
  Done done;
  Report report;
  {
    MutexLock lock(&mutex_);
    BeginIdle(worker);
    if (--alive_ > 0) return;
    done = std::move(done_);
    report = ReportLocked();
  }
  if (done) std::move(done)(std::move(report));
  done = nullptr;
  MutexLock lock(&mutex_);
  is_done_ = true;
  all_done_.SignalAll();
}

Task* WorkerPool::PopAny() {
  Task* task = shared_.PopExactly();
  for (size_t i = 0; task == nullptr && i < workers_.size(); ++i) {
    task = workers_[i]->lane.PopExactly();
  }
  return task;
}

void WorkerPool::AbandonAll() {
  CallWithoutUnwind([this] {
    while (Task* const task = PopAny()) {
      task->Abandon();
      abandoned_late_.Add();
    }
  });
}

// ---------------------------------------------------------------------------
// Statistics
// ---------------------------------------------------------------------------

bool WorkerPool::PastDeadline() const {
  return deadline_ != MonotonicTime::InfiniteFuture() &&
         clock_->Now() >= deadline_;
}

void WorkerPool::NoteIfOverdue(const Worker& worker) {
  if (mode_.load(std::memory_order_acquire) == Mode::kOpen || !PastDeadline()) {
    return;
  }
  MutexLock lock(&mutex_);
  overdue_.push_back(worker.name);
}

void WorkerPool::BeginIdle(Worker* worker) {
  worker->is_idle = true;
  worker->idle_since = clock_->Now();
}

void WorkerPool::EndIdle(Worker* worker) {
  worker->is_idle = false;
  worker->idle += clock_->Now() - worker->idle_since;
}

uint64_t WorkerPool::Completed() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->completed.value();
  }
  return sum;
}

uint64_t WorkerPool::Abandoned() const {
  uint64_t sum = abandoned_late_.value();
  for (const auto& worker : workers_) {
    sum += worker->abandoned.value();
  }
  return sum;
}

std::vector<std::string> WorkerPool::InTask() const {
  std::vector<std::string> names;
  for (const auto& worker : workers_) {
    if (worker->in_task.load(std::memory_order_relaxed)) {
      names.push_back(worker->name);
    }
  }
  return names;
}

WorkerPool::Report WorkerPool::ReportLocked() const {
  return {.completed = Completed() - completed_before_,
          .abandoned = Abandoned(),
          .overdue = overdue_,
          .running = InTask()};
}

WorkerPool::Report WorkerPool::report() const {
  MutexLock lock(&mutex_);
  SLUICE_CHECK(mode_.load() != Mode::kOpen, "call Shutdown() first");
  return ReportLocked();
}

WorkerPool::Stats WorkerPool::stats() const {
  Stats stats;
  stats.completed = Completed();
  stats.abandoned = Abandoned();
  stats.posts_refused = posts_refused_.value();
  stats.queued = shared_.Count();
  for (const auto& worker : workers_) stats.queued += worker->lane.Count();
  stats.running = InTask().size();
  const DelayProbe::Quantiles delay = probe_.quantiles();
  stats.queue_delay_p50 = delay.p50;
  stats.queue_delay_p99 = delay.p99;
  MutexLock lock(&mutex_);
  stats.wakes = wakes_;
  stats.asleep = asleep_ - signals_;
  const MonotonicTime now = clock_->Now();
  for (const auto& worker : workers_) {
    stats.idle += worker->idle;
    if (worker->is_idle) stats.idle += now - worker->idle_since;
  }
  stats.busy = (now - created_) * workers_.size() - stats.idle;
  return stats;
}

double WorkerPool::Stats::busy_ratio() const {
  const absl::Duration all = busy + idle;
  return all > absl::ZeroDuration() ? absl::FDivDuration(busy, all) : 0;
}

}  // namespace sluice

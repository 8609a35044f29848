#include "sluice/log/logger_thread.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/sequence_role.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr absl::Duration kShortNap = absl::Milliseconds(5);
constexpr absl::Duration kLongNap = absl::Milliseconds(125);
// After this many lines the thread does not sleep: more lines are there
// already.
constexpr size_t kManyLines = 500;

}  // namespace

absl::StatusOr<std::unique_ptr<LoggerThread>> LoggerThread::Start(
    AsyncLogger* logger) {
  auto self = absl::WrapUnique(new LoggerThread(logger));
  // Set before the thread starts, so that the thread never sees it false.
  SLUICE_CHECK(!logger->has_thread_.exchange(true));
  absl::StatusOr<Thread> thread =
      Thread::Start("logger", [self = self.get()] { self->Run(); });
  if (!thread.ok()) {
    logger->has_thread_.store(false);
    return thread.status();
  }
  self->thread_ = std::make_unique<Thread>(*std::move(thread));
  return self;
}

LoggerThread::~LoggerThread() { Stop(absl::InfiniteDuration()); }

bool LoggerThread::Stop(absl::Duration limit) {
  if (thread_ == nullptr) return true;
  if (logger_.forked()) {
    (void)thread_.release();  // the parent's thread cannot be joined here
    return true;
  }
  SLUICE_CHECK(!SequenceRole::OnAny());
  stop_.store(true);
  logger_.Wake();
  if (!AwaitEnd(limit)) {
    logger_.SetMayWait(false);
    return false;
  }
  thread_->Join();
  thread_.reset();
  logger_.SetMayWait(true);
  return true;
}

bool LoggerThread::AwaitEnd(absl::Duration limit) {
  const Clock& clock = *Clock::Real();  // the clock of CondVar
  const MonotonicTime deadline = clock.Now() + limit;
  MutexLock lock(&mutex_);
  while (!has_ended_ &&
         !ended_.WaitWithTimeout(&mutex_, deadline - clock.Now())) {
  }
  return has_ended_;
}

void LoggerThread::Run() {
  absl::Duration nap = kShortNap;
  while (!stop_.load()) {
    const size_t lines = logger_.RunOnce();
    nap = lines > 0 ? kShortNap : std::min(2 * nap, kLongNap);
    if (lines < kManyLines && !logger_.HasFlush()) logger_.WaitForWork(nap);
  }
  // Called here and not by Stop(): the writer may block, and Stop() has a
  // limit.
  logger_.StopThread();
  MutexLock lock(&mutex_);
  has_ended_ = true;
  ended_.Signal();
}

}  // namespace sluice

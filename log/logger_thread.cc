#include "sluice/log/logger_thread.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr absl::Duration kShortNap = absl::Milliseconds(5);
constexpr absl::Duration kLongNap = absl::Milliseconds(125);
// After more lines than these the next ones are there already.
constexpr size_t kManyLines = 500;

}  // namespace

absl::StatusOr<std::unique_ptr<LoggerThread>> LoggerThread::Start(
    AsyncLogger* logger) {
  auto self = absl::WrapUnique(new LoggerThread(logger));
  // Before the thread: it is not the one that finds the logger without it.
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

LoggerThread::~LoggerThread() {
  if (thread_ == nullptr) return;
  if (logger_.forked()) {
    (void)thread_.release();  // it is the parent's, and cannot be joined
    return;
  }
  stop_.store(true);
  logger_.Wake();
  thread_->Join();
  logger_.StopThread();
}

void LoggerThread::Run() {
  absl::Duration nap = kShortNap;
  while (!stop_.load()) {
    const size_t lines = logger_.RunOnce();
    nap = lines > 0 ? kShortNap : std::min(2 * nap, kLongNap);
    if (lines < kManyLines && !logger_.HasFlush()) logger_.WaitForWork(nap);
  }
}

}  // namespace sluice

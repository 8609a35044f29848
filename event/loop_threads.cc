#include "sluice/event/loop_threads.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/cpu_count.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<LoopThreads>> LoopThreads::Create(
    Options options,
    absl::FunctionRef<absl::StatusOr<std::unique_ptr<EventLoop>>()> new_loop) {
  const absl::Status valid =
      CheckOption("LoopThreads: num_loops", options.num_loops, 0, 1024);
  if (!valid.ok()) return valid;
  const int count = options.num_loops > 0 ? options.num_loops : CpuCount();
  auto threads = absl::WrapUnique(new LoopThreads(std::move(options)));
  for (int i = 0; i < count; ++i) {
    auto loop = new_loop();
    if (!loop.ok()) return loop.status();
    threads->loop_pointers_.push_back(loop->get());
    threads->loops_.push_back(*std::move(loop));
  }
  return threads;
}

LoopThreads::~LoopThreads() {
  if (threads_.empty() || !owner_.IsCurrent()) return;
  Stop();
  JoinThreads();
}

std::string LoopThreads::NameOf(size_t index) const {
  return absl::StrCat(options_.name, "/", index);
}

absl::Status LoopThreads::Start(Done done) {
  SLUICE_CHECK(threads_.empty());
  {
    MutexLock lock(&mutex_);
    SLUICE_CHECK(signal_ == Signal::kWait);
    running_ = loops_.size();
    done_ = std::move(done);
  }
  for (size_t i = 0; i < loops_.size(); ++i) {
    auto thread = Thread::Start(NameOf(i), [this, i] {
      if (AwaitSignal()) Run(i);
    });
    if (!thread.ok()) {
      Send(Signal::kQuit);
      JoinThreads();
      return thread.status();
    }
    threads_.push_back(*std::move(thread));
  }
  Send(Signal::kRun);
  return absl::OkStatus();
}

void LoopThreads::Send(Signal signal) {
  MutexLock lock(&mutex_);
  signal_ = signal;
  changed_.SignalAll();
}

bool LoopThreads::AwaitSignal() {
  MutexLock lock(&mutex_);
  while (signal_ == Signal::kWait) changed_.Wait(&mutex_);
  return signal_ == Signal::kRun;
}

void LoopThreads::Run(size_t index) {
  const absl::Status status = loops_[index]->Run();
  if (!status.ok()) Stop();
  Done done;
  absl::Status first_error;
  {
    MutexLock lock(&mutex_);
    if (first_error_.ok() && !status.ok()) {
      first_error_ = WithMessage(
          status, absl::StrCat(NameOf(index), ": ", status.message()));
    }
    if (--running_ > 0) return;
    done = std::move(done_);
    first_error = first_error_;
  }
  if (done) std::move(done)(std::move(first_error));
}

void LoopThreads::Stop() {
  for (EventLoop* const loop : loop_pointers_) loop->Stop();
}

absl::Status LoopThreads::Join() {
  SLUICE_CHECK(!threads_.empty());
  JoinThreads();
  MutexLock lock(&mutex_);
  return first_error_;
}

void LoopThreads::JoinThreads() {
  for (Thread& thread : threads_) thread.Join();
  threads_.clear();
}

}  // namespace sluice

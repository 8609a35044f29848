#include "sluice/base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>

#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/base/sequence_role.h"

namespace sluice {
namespace {

// What a new thread is to do.
struct ThreadStart {
  std::string name;
  absl::AnyInvocable<void() &&> body;
};

void* RunTask(void* argument) {
  const std::unique_ptr<ThreadStart> task(static_cast<ThreadStart*>(argument));
  pthread_setname_np(pthread_self(), task->name.substr(0, 15).c_str());
  std::move(task->body)();
  return nullptr;
}

// All but what a thread's own instructions cause, and the profiler's clock.
sigset_t ProcessSignals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int own :
       {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP}) {
    sigdelset(&signals, own);
  }
  return signals;
}

}  // namespace

absl::StatusOr<Thread> Thread::Start(std::string name,
                                     absl::AnyInvocable<void() &&> body) {
  auto task = std::make_unique<ThreadStart>(
      ThreadStart{std::move(name), std::move(body)});
  // The new thread inherits the mask: no signal can come before it is set.
  const sigset_t blocked = ProcessSignals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  pthread_t thread;
  const int error =
      pthread_create(&thread, /*attr=*/nullptr, RunTask, task.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return ToStatus(IoResult::FromErrno(error), "pthread_create", task->name);
  }
  (void)task.release();  // the thread's now
  return Thread(thread);
}

Thread::~Thread() { SLUICE_CHECK(!thread_.has_value() || !owner_.IsCurrent()); }

void Thread::Join() {
  SLUICE_CHECK(thread_.has_value());
  SLUICE_CHECK(!SequenceRole::OnAny());
  if (owner_.IsCurrent()) pthread_join(*thread_, nullptr);
  thread_.reset();
}

}  // namespace sluice

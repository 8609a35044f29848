#include "sluice/base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>

#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/base/sequence_role.h"

namespace sluice {
namespace {

// The argument of a new thread.
struct ThreadStart {
  std::string name;
  absl::AnyInvocable<void() &&> body;
};

void* RunBody(void* argument) {
  const std::unique_ptr<ThreadStart> start(static_cast<ThreadStart*>(argument));
  pthread_setname_np(pthread_self(), start->name.substr(0, 15).c_str());
  std::move(start->body)();
  return nullptr;
}

// Returns all signals, except those that a thread's own instructions cause and
// the signal of the profiler's clock.
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
  auto start = std::make_unique<ThreadStart>(
      ThreadStart{std::move(name), std::move(body)});
  // The new thread inherits the mask, so that no signal comes before the mask
  // is set.
  const sigset_t blocked = ProcessSignals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  pthread_t thread;
  const int error =
      pthread_create(&thread, /*attr=*/nullptr, RunBody, start.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return ToStatus(IoResult::FromErrno(error), "pthread_create", start->name);
  }
  (void)start.release();  // owned by the thread now
  return Thread(thread);
}

Thread::~Thread() {
  SLUICE_CHECK(!thread_.has_value() || !owner_.IsCurrent(),
               "call Join() before the thread is destroyed");
}

void Thread::Join() {
  SLUICE_CHECK(thread_.has_value(), "the thread is joined or moved from");
  SLUICE_CHECK(!SequenceRole::OnAny(),
               "Join() would block a loop, a strand or a worker");
  if (owner_.IsCurrent()) pthread_join(*thread_, nullptr);
  thread_.reset();
}

}  // namespace sluice

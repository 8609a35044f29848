#include "sluice/event/signal_watch.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/poller.h"

namespace sluice {
namespace {

// The state of one signal, for the signal handler.
struct Slot {
  std::atomic<int> fd{-1};         // the eventfd; -1: no SignalWatch has it
  std::atomic<bool> first{false};  // Mode::kFirst
  struct sigaction before = {};    // changes only while fd is -1
};

// The state of the signal handlers. Global, because signal handlers belong to
// the process.
struct ProcessState {
  std::atomic<pid_t> pid{0};     // the process whose loop is woken
  std::atomic<int> handling{0};  // threads in the signal handler
  std::array<Slot, NSIG> slots;
};

constinit ProcessState process;
static_assert(std::atomic<int>::is_always_lock_free);

// Restores the earlier actions of all signals that write to `fd`.
void Restore(int fd) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const Slot& slot = process.slots[signal];
    if (slot.fd.load() == fd) sigaction(signal, &slot.before, nullptr);
  }
}

// Restores the actions of signals that the parent process catches. For a child
// process that catches signals itself.
void ForgetParent() {
  for (int signal = 1; signal < NSIG; ++signal) {
    Slot& slot = process.slots[signal];
    if (slot.fd.exchange(-1) >= 0) sigaction(signal, &slot.before, nullptr);
  }
  process.handling.store(0);
}

// Gives a signal its earlier action: the signal comes again when the handler
// returns. For a signal that no loop waits for, which happens in a child
// process, which inherits the handler but not the loop, and while a SignalWatch
// is being destroyed.
void PassOn(int signal) {
  sigaction(signal, &process.slots[signal].before, nullptr);
  raise(signal);
}

void OnSignal(int signal) {
  const int errno_before = errno;
  process.handling.fetch_add(1);
  const Slot& slot = process.slots[signal];
  const int fd = slot.fd.load();
  if (fd < 0 || process.pid.load() != getpid()) {
    PassOn(signal);
  } else {
    if (slot.first.load()) Restore(fd);
    // If the counter is full, the loop has been woken already.
    (void)eventfd_write(fd, 1);
  }
  process.handling.fetch_sub(1);
  errno = errno_before;
}

// kInvalidArgument, which names the signal, if it cannot be caught.
absl::Status CheckSignal(int signal) {
  struct sigaction now;
  if (signal > 0 && signal < NSIG && signal != SIGKILL && signal != SIGSTOP &&
      sigaction(signal, nullptr, &now) == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("SignalWatch: signals: ", signal,
                   " is not a signal that a process can catch"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignalWatch>> SignalWatch::Create(
    EventLoop* loop, const std::vector<int>& signals, Mode mode,
    absl::AnyInvocable<void()> on_signal) {
  for (const int signal : signals) {
    const absl::Status valid = CheckSignal(signal);
    if (!valid.ok()) return valid;
  }
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    return ToStatus(IoResult::FromErrno(errno), "eventfd", "signals");
  }
  auto self = absl::WrapUnique(new SignalWatch(fd, signals));
  auto watch =
      Watch::Create(loop, fd, kReadable,
                    [fd, on_signal = std::move(on_signal)](IoEvents) mutable {
                      eventfd_t count;
                      if (eventfd_read(fd, &count) == 0) on_signal();
                    });
  if (!watch.ok()) return watch.status();
  self->watch_ = *std::move(watch);
  self->Install(mode);
  return self;
}

void SignalWatch::Install(Mode mode) {
  const pid_t pid = getpid();
  if (process.pid.exchange(pid) != pid) ForgetParent();
  struct sigaction ours = {};
  ours.sa_handler = &OnSignal;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  for (const int signal : signals_) sigaddset(&ours.sa_mask, signal);
  // Blocked until all are installed, because the first signal restores all.
  pthread_sigmask(SIG_BLOCK, &ours.sa_mask, nullptr);
  for (const int signal : signals_) {
    Slot& slot = process.slots[signal];
    const bool no_other_watch_has_it = slot.fd.load() < 0;
    SLUICE_CHECK(no_other_watch_has_it);
    SLUICE_CHECK(sigaction(signal, nullptr, &slot.before) == 0);
    slot.first.store(mode == Mode::kFirst);
    slot.fd.store(fd_);
    SLUICE_CHECK(sigaction(signal, &ours, nullptr) == 0);
  }
  pthread_sigmask(SIG_UNBLOCK, &ours.sa_mask, nullptr);
}

SignalWatch::~SignalWatch() {
  for (const int signal : signals_) {
    struct sigaction now;
    Slot& slot = process.slots[signal];
    if (slot.fd.load() == fd_ && sigaction(signal, nullptr, &now) == 0 &&
        now.sa_handler == &OnSignal) {
      sigaction(signal, &slot.before, nullptr);
    }
  }
  for (const int signal : signals_) {
    int ours = fd_;
    process.slots[signal].fd.compare_exchange_strong(ours, -1);
  }
  // Another thread may be in the signal handler, about to write to the eventfd.
  // A child process has no such thread.
  while (process.pid.load() == getpid() && process.handling.load() > 0) {
    sched_yield();
  }
  watch_.reset();
  close(fd_);
}

}  // namespace sluice

#include "sluice/event/signal_watch.h"

#include <pthread.h>
#include <sched.h>
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
#include "sluice/event/poller.h"

namespace sluice {
namespace {

// Tells the handler what to do with one signal.
struct Slot {
  std::atomic<int> fd{-1};         // the eventfd; -1: no LoopSignal catches it
  std::atomic<bool> first{false};  // Mode::kFirst
  struct sigaction before = {};    // changes only while fd is -1
};

// The state of the handlers: one for the process, as the handlers are.
struct ProcessState {
  std::atomic<pid_t> pid{0};  // of the process whose loop is woken
  std::atomic<int> handling{0};
  std::array<Slot, NSIG> slots;
};

constinit ProcessState process;
static_assert(std::atomic<int>::is_always_lock_free);

// Restores the actions that there were before for all signals that wake `fd`.
void Restore(int fd) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const Slot& slot = process.slots[signal];
    if (slot.fd.load() == fd) sigaction(signal, &slot.before, nullptr);
  }
}

// In a child process that catches signals itself: what its parent caught is not
// caught here.
void ForgetParent() {
  for (int signal = 1; signal < NSIG; ++signal) {
    Slot& slot = process.slots[signal];
    if (slot.fd.exchange(-1) >= 0) sigaction(signal, &slot.before, nullptr);
  }
  process.handling.store(0);
}

// For a signal that no loop here waits for: in a child process, which has the
// handler but not the loop, or while a LoopSignal is being destroyed. The
// signal comes again when the handler returns.
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
    // A counter that is full has woken the loop already.
    (void)eventfd_write(fd, 1);
  }
  process.handling.fetch_sub(1);
  errno = errno_before;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoopSignal>> LoopSignal::Catch(
    EventLoop* loop, const std::vector<int>& signals, Mode mode,
    absl::AnyInvocable<void()> on_signal) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    return ToStatus(IoResult::FromErrno(errno), "eventfd", "signals");
  }
  auto self =
      absl::WrapUnique(new LoopSignal(fd, signals, std::move(on_signal)));
  auto watch =
      Watch::Create(loop, fd, kReadable,
                    [self = self.get()](IoEvents) { self->OnReadable(); });
  if (!watch.ok()) return watch.status();
  self->watch_ = *std::move(watch);
  const absl::Status installed = self->Install(mode);
  if (!installed.ok()) return installed;
  return self;
}

absl::Status LoopSignal::Install(Mode mode) {
  const pid_t pid = getpid();
  if (process.pid.exchange(pid) != pid) ForgetParent();
  struct sigaction ours = {};
  ours.sa_handler = &OnSignal;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  for (const int signal : signals_) sigaddset(&ours.sa_mask, signal);
  // Until all are installed: the first signal restores all.
  pthread_sigmask(SIG_BLOCK, &ours.sa_mask, nullptr);
  for (const int signal : signals_) {
    Slot& slot = process.slots[signal];
    SLUICE_CHECK(slot.fd.load() < 0);
    if (sigaction(signal, nullptr, &slot.before) != 0) {
      return ToStatus(IoResult::FromErrno(errno), "sigaction",
                      absl::StrCat("signal ", signal));
    }
    slot.first.store(mode == Mode::kFirst);
    slot.fd.store(fd_);
    sigaction(signal, &ours, nullptr);
  }
  pthread_sigmask(SIG_UNBLOCK, &ours.sa_mask, nullptr);
  return absl::OkStatus();
}

LoopSignal::~LoopSignal() {
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
  // Another thread may be in the handler, and about to write to the eventfd. A
  // child process has no such thread.
  while (process.pid.load() == getpid() && process.handling.load() > 0) {
    sched_yield();
  }
  watch_.reset();
  close(fd_);
}

void LoopSignal::OnReadable() {
  eventfd_t count;
  if (eventfd_read(fd_, &count) == 0) on_signal_();
}

}  // namespace sluice

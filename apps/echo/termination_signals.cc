#include "sluice/apps/echo/termination_signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller.h"

namespace sluice {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TerminationSignals>> TerminationSignals::Catch(
    EventLoop* loop, absl::AnyInvocable<void() &&> on_signal) {
  signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = Signals();
  const int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    return ToStatus(IoResult::FromErrno(errno), "signalfd", "SIGTERM, SIGINT");
  }
  auto self =
      absl::WrapUnique(new TerminationSignals(fd, std::move(on_signal)));
  auto watch =
      Watch::Create(loop, fd, kReadable,
                    [self = self.get()](IoEvents) { self->OnReadable(); });
  if (!watch.ok()) return watch.status();
  self->watch_ = *std::move(watch);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return self;
}

TerminationSignals::TerminationSignals(int fd,
                                       absl::AnyInvocable<void() &&> on_signal)
    : fd_(fd), on_signal_(std::move(on_signal)) {}

TerminationSignals::~TerminationSignals() {
  watch_.reset();
  close(fd_);
}

void TerminationSignals::OnReadable() {
  signalfd_siginfo info;
  if (read(fd_, &info, sizeof(info)) != sizeof(info)) return;
  watch_.reset();
  // The second signal has its default effect, whatever the loop is doing, and
  // even if this process was started with signals ignored.
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::move(on_signal_)();
}

}  // namespace sluice

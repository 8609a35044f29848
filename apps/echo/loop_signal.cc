#include "sluice/apps/echo/loop_signal.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_join.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller.h"

namespace sluice {

sigset_t SignalSet(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

absl::StatusOr<std::unique_ptr<LoopSignal>> LoopSignal::Catch(
    EventLoop* loop, const std::vector<int>& signals,
    absl::AnyInvocable<void()> on_signal) {
  const sigset_t set = SignalSet(signals);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    return ToStatus(IoResult::FromErrno(errno), "signalfd",
                    absl::StrJoin(signals, ", "));
  }
  auto self = absl::WrapUnique(new LoopSignal(fd, std::move(on_signal)));
  auto watch =
      Watch::Create(loop, fd, kReadable,
                    [self = self.get()](IoEvents) { self->OnReadable(); });
  if (!watch.ok()) return watch.status();
  self->watch_ = *std::move(watch);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return self;
}

LoopSignal::LoopSignal(int fd, absl::AnyInvocable<void()> on_signal)
    : fd_(fd), on_signal_(std::move(on_signal)) {}

LoopSignal::~LoopSignal() {
  watch_.reset();
  close(fd_);
}

void LoopSignal::OnReadable() {
  signalfd_siginfo info;
  if (read(fd_, &info, sizeof(info)) == sizeof(info)) on_signal_();
}

}  // namespace sluice

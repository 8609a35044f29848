#include "sluice/net/tcp/tcp_connector.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/event/poller/poller.h"

namespace sluice {

TcpConnector::TcpConnector(const Platform* platform, EventLoop* loop,
                           const SocketAddress& peer, Options options,
                           Done done)
    : loop_(loop),
      peer_(peer),
      timeout_(options.timeout),
      done_(std::move(done)) {
  SocketApi& api = *platform->sockets;
  const bool any = options.local.family() == AF_UNSPEC;
  const IoResult fd = api.StartConnect(peer, any ? nullptr : &options.local);
  if (fd.ok()) {
    socket_ = Socket(&api, static_cast<int>(fd.value()));
    failed_at_once_ = loop->Add(this, socket_.fd(), kWritable);
  } else {
    failed_at_once_ = ToStatus(fd, "connect", peer.ToString());
  }
  if (!failed_at_once_.ok()) {
    loop->ScheduleLocal(this);
  } else if (timeout_ != absl::InfiniteDuration()) {
    loop->Arm(this, timeout_);
  }
}

TcpConnector::~TcpConnector() {
  loop_->Remove(this);
  loop_->Cancel(this);
}

void TcpConnector::OnIo(const IoEvent&) {
  IoResult result = socket_.api().PendingError(socket_.fd());
  if (result.ok() && IsConnectedToItself()) {
    result = IoResult::FromErrno(ECONNREFUSED);
  }
  Finish(ToStatus(result, "connect", peer_.ToString()));
}

bool TcpConnector::IsConnectedToItself() const {
  if (peer_.family() == AF_UNIX) return false;
  const auto local =
      socket_.api().Address(socket_.fd(), SocketApi::End::kLocal);
  if (!local.ok() || local->port() != peer_.port()) return false;
  // peer_ may be a wildcard address, which Linux connects to a loopback
  // address.
  const auto peer = socket_.api().Address(socket_.fd(), SocketApi::End::kPeer);
  return peer.ok() && *peer == *local;
}

void TcpConnector::Run() { Finish(std::move(failed_at_once_)); }

void TcpConnector::Abandon() {
  Finish(absl::CancelledError(
      absl::StrCat("connect on ", peer_.ToString(), ": the loop has ended")));
}

void TcpConnector::Fire() {
  Finish(absl::DeadlineExceededError(
      absl::StrCat("connect on ", peer_.ToString(), ": no answer within ",
                   absl::FormatDuration(timeout_))));
}

void TcpConnector::Finish(absl::Status status) {
  loop_->Remove(this);
  Timer::Cancel();
  Done done = std::move(done_);
  if (!status.ok()) {
    socket_.Close(CloseMode::kReset);
    std::move(done)(std::move(status));
    return;
  }
  // Speeds up small messages. An error does no harm.
  (void)socket_.api().SetOption(socket_.fd(), SocketApi::Option::kNoDelay, 1);
  std::move(done)(std::move(socket_));
}

}  // namespace sluice

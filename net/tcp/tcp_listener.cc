#include "sluice/net/tcp/tcp_listener.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/event/poller/poller.h"

namespace sluice {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Milliseconds(1);
constexpr absl::Duration kMaxBackOff = absl::Milliseconds(512);

}  // namespace

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Listen(
    const Platform* platform, EventLoop* loop, const SocketAddress& address,
    Options options, OnAccept on_accept, OnFailure on_failure) {
  absl::Status valid =
      CheckOption("TcpListener: backlog", options.listen.backlog, 0, INT_MAX);
  valid.Update(CheckOption("TcpListener: max_accepts_per_iteration",
                           options.max_accepts_per_iteration, 1, SIZE_MAX));
  if (!valid.ok()) return valid;
  SocketApi& api = *platform->sockets;
  const absl::StatusOr<int> fd = api.Listen(address, options.listen);
  if (!fd.ok()) return fd.status();
  Socket socket(&api, *fd);
  absl::StatusOr<UnixSocketFile> file = UnixSocketFile::Find(&api, address);
  if (!file.ok()) return file.status();
  const absl::StatusOr<SocketAddress> bound =
      api.Address(*fd, SocketApi::End::kLocal);
  if (!bound.ok()) return bound.status();
  auto listener = absl::WrapUnique(
      new TcpListener(loop, std::move(socket), *bound, *std::move(file),
                      options, std::move(on_accept), std::move(on_failure)));
  const absl::Status added =
      loop->Add(listener.get(), *fd, kReadable, {.urgent = true});
  if (!added.ok()) return added;
  return listener;
}

TcpListener::TcpListener(EventLoop* loop, Socket socket,
                         const SocketAddress& address, UnixSocketFile file,
                         Options options, OnAccept on_accept,
                         OnFailure on_failure)
    : loop_(loop),
      socket_(std::move(socket)),
      address_(address),
      file_(std::move(file)),
      // The kernel lets one more connection wait than the backlog says.
      backlog_(static_cast<size_t>(options.listen.backlog) + 1),
      max_accepts_per_iteration_(options.max_accepts_per_iteration),
      on_accept_(std::move(on_accept)),
      on_failure_(std::move(on_failure)),
      back_off_(kFirstBackOff) {}

TcpListener::~TcpListener() {
  loop_->Remove(this);
  // If the file cannot be removed, the next server replaces it.
  (void)file_.Remove();
}

void TcpListener::OnIo(const IoEvent&) {
  size_t accepted = 0;
  switch (Accept(accepts_to_try_, &accepted)) {
    case End::kLimit:
      accepts_to_try_ =
          std::min(accepts_to_try_ * 2, max_accepts_per_iteration_);
      break;
    case End::kFailed:
      BackOff();
      [[fallthrough]];
    case End::kEmpty:
      accepts_to_try_ = std::max<size_t>(accepted, 1);
      break;
    case End::kPaused:
    case End::kDestroyed:
      break;
  }
}

void TcpListener::AcceptBacklog() {
  SLUICE_CHECK(!destructor_check_.in_call());
  CallWithoutUnwind([this] {
    size_t accepted = 0;
    Accept(backlog_, &accepted);
  });
}

TcpListener::End TcpListener::Accept(size_t limit, size_t* accepted) {
  // Moved, so that it outlives a listener that it destroys.
  OnAccept on_accept = std::move(on_accept_);
  End end = End::kLimit;
  while (*accepted < limit) {
    if (paused_) {
      end = End::kPaused;
      break;
    }
    SocketAddress peer;
    const IoResult result = socket_.api().Accept(socket_.fd(), &peer);
    if (result.would_block()) {
      end = End::kEmpty;
      break;
    }
    if (!result.ok()) {
      end = End::kFailed;
      if (!on_failure_) break;
      const bool survives = destructor_check_.Survives([&](const bool&) {
        on_failure_(ToStatus(result, "accept", address_.ToString()));
      });
      SLUICE_CHECK(survives);
      break;
    }
    ++*accepted;
    back_off_ = kFirstBackOff;
    Socket socket(&socket_.api(), static_cast<int>(result.value()));
    const auto call = [&](const bool&) { on_accept(std::move(socket), peer); };
    if (!destructor_check_.Survives(call)) return End::kDestroyed;
  }
  on_accept_ = std::move(on_accept);
  return end;
}

void TcpListener::BackOff() {
  backing_off_ = true;
  SetInterest();
  loop_->Arm(this, back_off_);
  back_off_ = std::min(back_off_ * 2, kMaxBackOff);
}

void TcpListener::Fire() {
  backing_off_ = false;
  SetInterest();
}

void TcpListener::Pause() {
  if (std::exchange(paused_, true)) return;
  SetInterest();
}

void TcpListener::Resume() {
  if (!std::exchange(paused_, false)) return;
  SetInterest();
}

void TcpListener::SetInterest() {
  // Fails only if memory runs out: then tries again after a while.
  const IoEvents interest = paused_ || backing_off_ ? 0 : kReadable;
  if (!loop_->SetInterest(this, interest).ok()) loop_->Arm(this, kMaxBackOff);
}

}  // namespace sluice

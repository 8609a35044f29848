#include "sluice/net/sim/sim_tcp.h"

#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/net/sim/sim_random.h"

namespace sluice {
namespace {

bool IsUnix(const SocketAddress& address) {
  return address.family() == AF_UNIX;
}
bool IsIp(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

}  // namespace

SimTcp::SimTcp(SimWire* wire, std::string name,
               std::vector<SocketAddress> addresses, Options options)
    : wire_(*wire),
      name_(std::move(name)),
      max_descriptors_(options.max_descriptors),
      host_(wire, this),
      tcp_(&host_, std::move(addresses), options.buffer_bytes,
           [this](const SocketAddress& address) {
             SimTcp* const to = wire_.HostOf(address, this);
             return to == nullptr ? nullptr : &to->tcp_;
           }),
      unix_(&host_, options.buffer_bytes) {}

SimTcp::~SimTcp() = default;

void SimTcp::GoDown() {
  host_.GoDown();
  unix_.GoDown();
}

void SimTcp::ComeUp() {
  SLUICE_CHECK(!is_up() && open_ == 0);
  host_.ComeUp();
}

// ---------------------------------------------------------------------------
// Descriptors
// ---------------------------------------------------------------------------

SimSocket* SimTcp::Find(int fd) const {
  const auto i = static_cast<size_t>(fd);
  return i < sockets_.size() ? sockets_[i].get() : nullptr;
}

int SimTcp::Keep(int fd, std::unique_ptr<SimSocket> socket) {
  const auto i = static_cast<size_t>(fd);
  if (i >= sockets_.size()) sockets_.resize(i + 1);
  sockets_[i] = std::move(socket);
  ++open_;
  return fd;
}

int SimTcp::OpenFault() {
  const SimFaults& faults = wire_.faults();
  SimRandom& random = wire_.random();
  if (open_ >= static_cast<size_t>(max_descriptors_)) return EMFILE;
  if (random.Chance(faults.no_descriptors)) {
    return random.Below(2) == 0 ? EMFILE : ENFILE;
  }
  if (random.Chance(faults.no_memory)) {
    return random.Below(2) == 0 ? ENOBUFS : ENOMEM;
  }
  return 0;
}

absl::StatusOr<int> SimTcp::Listen(const SocketAddress& address,
                                   const ListenOptions& options) {
  const absl::Status valid =
      CheckOption("SocketApi: backlog", options.backlog, 0, INT_MAX);
  if (!valid.ok()) return valid;
  const auto fail = [&](int error, absl::string_view call) {
    return ToStatus(IoResult::FromErrno(error), call, address.ToString());
  };
  if (options.reuse_port && !IsIp(address)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "listen on ", address.ToString(), ": reuse_port is for IP only"));
  }
  if (address.both_families()) {
    return absl::UnimplementedError(absl::StrCat(
        "listen on ", address.ToString(),
        ": simulated sockets have one family; use 0.0.0.0 or [::]"));
  }
  if (!is_up()) return fail(ENETDOWN, "socket");
  if (!IsIp(address) && !IsUnix(address)) return fail(EAFNOSUPPORT, "socket");
  if (const int error = OpenFault(); error != 0) return fail(error, "socket");
  const int fd = descriptors().Open();
  std::unique_ptr<SimSocket> socket;
  const int error = IsIp(address)
                        ? tcp_.Listen(fd, address, options, &socket)
                        : unix_.Listen(fd, address, options.backlog, &socket);
  if (error == 0) return Keep(fd, std::move(socket));
  descriptors().Close(fd);
  const absl::Status status = fail(error, "bind");
  if (address.unix_path().empty()) return status;
  return WithMessage(
      status, absl::StrCat(status.message(), "; a server is listening there"));
}

IoResult SimTcp::StartConnect(const SocketAddress& peer,
                              const SocketAddress* local) {
  if (!is_up()) return IoResult::FromErrno(ENETDOWN);
  if (!IsIp(peer) && !IsUnix(peer)) return IoResult::FromErrno(EAFNOSUPPORT);
  if (local != nullptr && local->family() != peer.family()) {
    return IoResult::FromErrno(EINVAL);
  }
  if (Interrupted()) return IoResult::FromErrno(EINTR);
  if (const int error = OpenFault(); error != 0)
    return IoResult::FromErrno(error);
  const int fd = descriptors().Open();
  std::unique_ptr<SimSocket> socket;
  const int error = IsIp(peer) ? tcp_.StartConnect(fd, peer, local, &socket)
                               : unix_.StartConnect(fd, peer, local, &socket);
  if (error == 0) return IoResult(Keep(fd, std::move(socket)));
  descriptors().Close(fd);
  return IoResult::FromErrno(error);
}

IoResult SimTcp::Accept(int listen_fd, SocketAddress* peer) {
  return On(listen_fd, [&](SimSocket& listener) {
    if (Interrupted()) return IoResult::FromErrno(EINTR);
    if (const int error = listener.AcceptError(); error != 0) {
      return IoResult::FromErrno(error);
    }
    if (const int error = OpenFault(); error != 0)
      return IoResult::FromErrno(error);
    const int fd = descriptors().Open();
    return IoResult(Keep(fd, listener.Accept(fd, peer)));
  });
}

void SimTcp::Close(int fd, CloseMode mode) {
  SLUICE_CHECK(Find(fd) != nullptr);
  const auto socket = std::move(sockets_[static_cast<size_t>(fd)]);
  --open_;
  socket->Close(mode);
  descriptors().Close(fd);
}

// ---------------------------------------------------------------------------
// Calls on one descriptor
// ---------------------------------------------------------------------------

bool SimTcp::Interrupted() {
  // SocketApi retries EINTR so many times.
  constexpr int kMaxRetries = 100;
  for (int retries = 0; wire_.random().Chance(wire_.faults().interrupted);
       ++retries) {
    if (retries == kMaxRetries) return true;
  }
  return false;
}

int SimTcp::Fault() {
  if (Interrupted()) return EINTR;
  return wire_.random().Chance(wire_.faults().would_block) ? EAGAIN : 0;
}

template <typename Call>
IoResult SimTcp::On(int fd, Call call) {
  SimSocket* const socket = Find(fd);
  if (socket == nullptr) return IoResult::FromErrno(EBADF);
  return is_up() ? call(*socket) : IoResult::FromErrno(ENETDOWN);
}

void SimTcp::NoteResult(int fd, absl::string_view call, IoResult result) {
  if (result.ok()) {
    host_.Note(fd, call, " ", result.value(), " bytes");
  } else {
    host_.Note(fd, call, ": ", strerrorname_np(result.error()));
  }
}

absl::StatusOr<SocketAddress> SimTcp::Address(int fd, SocketApi::End end) {
  const SimSocket* const socket = Find(fd);
  const auto address = socket == nullptr ? std::nullopt : socket->Address(end);
  if (address.has_value()) return *address;
  return ToStatus(IoResult::FromErrno(socket == nullptr ? EBADF : ENOTCONN),
                  end == End::kLocal ? "getsockname" : "getpeername",
                  absl::StrCat("descriptor ", fd));
}

IoResult SimTcp::Read(int fd, absl::Span<char> into) {
  SLUICE_CHECK(!into.empty());
  const IoResult result = On(fd, [&](SimSocket& socket) {
    const int fault = Fault();
    return fault != 0 ? IoResult::FromErrno(fault) : socket.Read(into);
  });
  NoteResult(fd, "reads", result);
  return result;
}

IoResult SimTcp::Write(int fd, absl::Span<const absl::string_view> pieces) {
  if (pieces.empty()) return IoResult(0);
  const IoResult result = On(fd, [&](SimSocket& socket) {
    const int fault = Fault();
    return fault != 0 ? IoResult::FromErrno(fault) : socket.Write(pieces);
  });
  NoteResult(fd, "writes", result);
  return result;
}

IoResult SimTcp::UnreadBytes(int fd) {
  SimSocket* const socket = Find(fd);
  return socket == nullptr ? IoResult::FromErrno(EBADF) : socket->UnreadBytes();
}

IoResult SimTcp::ShutdownWrite(int fd) {
  return On(fd, [](SimSocket& socket) { return socket.ShutdownWrite(); });
}

IoResult SimTcp::PendingError(int fd) {
  SimSocket* const socket = Find(fd);
  return socket == nullptr ? IoResult::FromErrno(EBADF)
                           : IoResult(-socket->TakeError());
}

IoResult SimTcp::SetOption(int fd, Option option, int value) {
  return On(fd, [&](SimSocket& socket) {
    socket.SetOption(option, value);
    return IoResult(0);
  });
}

IoResult SimTcp::FindFile(const std::string& path, FileId* id) {
  if (!is_up()) return IoResult::FromErrno(ENETDOWN);
  id->device = 1;
  id->number = unix_.FileNumber(path);
  return id->number == 0 ? IoResult::FromErrno(ENOENT) : IoResult(0);
}

IoResult SimTcp::RemoveFile(const std::string& path) {
  if (!is_up()) return IoResult::FromErrno(ENETDOWN);
  return unix_.RemoveFile(path) ? IoResult(0) : IoResult::FromErrno(ENOENT);
}

}  // namespace sluice

#include "sluice/net/sim_tcp.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

// As Linux does: tcp(7), tcp_syn_retries and tcp_retries2.
constexpr int kSynRetries = 6;
constexpr absl::Duration kFirstSynDelay = absl::Seconds(1);
constexpr absl::Duration kFirstDelay = absl::Milliseconds(200);
constexpr absl::Duration kLongestDelay = absl::Seconds(120);
constexpr absl::Duration kGiveUp = absl::Seconds(924);

// Of a packet without data.
constexpr size_t kHeader = 64;

bool IsIp(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

SocketAddress WithPort(const SocketAddress& address, uint16_t port) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.data(), address.size());
  if (address.family() == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
  }
  return SocketAddress::FromSockaddr(
             reinterpret_cast<const sockaddr*>(&storage), address.size())
      .value();
}

bool IsAny(const SocketAddress& address) {
  const auto same = [&](absl::string_view text) {
    return WithPort(address, 0) == SocketAddress::Parse(text).value();
  };
  return address.family() == AF_INET ? same("0.0.0.0:0") : same("[::]:0");
}

SocketAddress LoopbackOf(const SocketAddress& any) {
  return any.family() == AF_INET ? SocketAddress::Loopback4(any.port())
                                 : SocketAddress::Loopback6(any.port());
}

// Whether who binds to one is in the way of the other.
bool Overlap(const SocketAddress& a, const SocketAddress& b) {
  return a.port() == b.port() && a.family() == b.family() &&
         (a == b || IsAny(a) || IsAny(b));
}

IoResult Failure(int error) { return IoResult::FromErrno(error); }

}  // namespace

// One end of a connection.
struct SimTcp::Side {
  SimTcp* host = nullptr;
  uint64_t epoch = 0;  // the host's
  SocketAddress address;
  int fd = -1;          // none: not accepted yet, or closed
  int error = 0;        // pending
  bool open = false;    // the handshake is done here
  bool gone = false;    // reset, or failed, or both directions are done
  bool closed = false;  // by Close(): nobody reads here any more
};

// What goes from one end to the other. Positions count bytes.
struct SimTcp::Flow {
  std::string bytes;     // from `read` to `sent`
  uint64_t sent = 0;     // taken from the writer
  uint64_t arrived = 0;  // at the reader's host
  uint64_t read = 0;     // by the reader
  uint64_t freed = 0;    // of what was read the writer's host has heard
  bool fin_sent = false;
  bool fin_arrived = false;
  MonotonicTime last_arrival;
  // While a packet is sent again: what is to arrive with it.
  bool retrying = false;
  uint64_t arrives = 0;
  bool fin_arrives = false;

  // When what sets out now arrives, which would at `earliest`: nothing
  // overtakes what is under way.
  MonotonicTime NextArrival(MonotonicTime earliest) {
    last_arrival = std::max(earliest, last_arrival + absl::Nanoseconds(1));
    return last_arrival;
  }
};

struct SimTcp::Connection {
  Side ends[2];   // who connected, who accepted
  Flow flows[2];  // from these
};

struct SimTcp::Listener {
  SocketAddress address;
  size_t backlog = 0;
  bool reuse_port = false;
  std::deque<std::shared_ptr<Connection>> waiting;
};

struct SimTcp::Descriptor {
  std::unique_ptr<Listener> listener;
  std::shared_ptr<Connection> connection;
  int end = 0;  // which one of the connection is this
};

SimTcp::SimTcp(SimWire* wire, std::string name,
               std::vector<SocketAddress> addresses, Options options)
    : wire_(*wire),
      name_(std::move(name)),
      addresses_(std::move(addresses)),
      options_(options) {
  SLUICE_CHECK(!addresses_.empty());
}

SimTcp::~SimTcp() = default;

void SimTcp::GoDown() {
  up_ = false;
  ++epoch_;
}

void SimTcp::ComeUp() {
  SLUICE_CHECK(!up_ && sockets_.empty());
  up_ = true;
}

// ---------------------------------------------------------------------------
// Descriptors
// ---------------------------------------------------------------------------

int SimTcp::OpenFault() {
  const SimFaults& faults = wire_.faults();
  SimRandom& random = wire_.random();
  if (sockets_.size() >= static_cast<size_t>(options_.max_descriptors)) {
    return EMFILE;
  }
  if (random.Chance(faults.no_descriptors)) {
    return random.Below(2) == 0 ? EMFILE : ENFILE;
  }
  if (random.Chance(faults.no_memory)) {
    return random.Below(2) == 0 ? ENOBUFS : ENOMEM;
  }
  return 0;
}

int SimTcp::OpenDescriptor(Descriptor descriptor) {
  const int fd = descriptors_.Open();
  sockets_[fd] = std::make_unique<Descriptor>(std::move(descriptor));
  return fd;
}

SimTcp::Descriptor* SimTcp::Find(int fd) {
  const auto it = sockets_.find(fd);
  return it == sockets_.end() ? nullptr : it->second.get();
}

bool SimTcp::IsTaken(const SocketAddress& address, Use use) const {
  return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& entry) {
    const Descriptor& other = *entry.second;
    if (other.listener != nullptr) {
      return Overlap(address, other.listener->address) &&
             !(use == Use::kListenTogether && other.listener->reuse_port);
    }
    // Listeners do not mind what one of them accepted.
    return Overlap(address, other.connection->ends[other.end].address) &&
           (use == Use::kConnect || other.end == 0);
  });
}

uint16_t SimTcp::TakePort(const SocketAddress& address) {
  constexpr uint16_t kFirst = 32768, kLast = 60999;
  for (int tries = 0; tries <= kLast - kFirst; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == kLast ? kFirst : static_cast<uint16_t>(port + 1);
    if (!IsTaken(WithPort(address, port), Use::kConnect)) return port;
  }
  return 0;
}

absl::StatusOr<int> SimTcp::Listen(const SocketAddress& address,
                                   const ListenOptions& options) {
  const auto fail = [&](int error, absl::string_view call) {
    return ToStatus(Failure(error), call, address.ToString());
  };
  if (!up_) return fail(ENETDOWN, "socket");
  if (!IsIp(address)) {
    return options.reuse_port ? absl::InvalidArgumentError(absl::StrCat(
                                    "listen on ", address.ToString(),
                                    ": reuse_port is for IP only"))
                              : fail(EAFNOSUPPORT, "socket");
  }
  if (const int error = OpenFault(); error != 0) return fail(error, "socket");
  if (!IsAny(address) && !Has(address)) return fail(EADDRNOTAVAIL, "bind");
  SocketAddress bound = address;
  if (address.port() == 0) bound = WithPort(address, TakePort(address));
  const Use use = options.reuse_port ? Use::kListenTogether : Use::kListen;
  if (bound.port() == 0 || IsTaken(bound, use)) {
    return fail(EADDRINUSE, "bind");
  }
  auto listener = std::make_unique<Listener>();
  listener->address = bound;
  listener->backlog = static_cast<size_t>(std::max(options.backlog, 0));
  listener->reuse_port = options.reuse_port;
  const int fd = OpenDescriptor({std::move(listener), nullptr, 0});
  Note(fd, absl::StrCat("listens on ", bound.ToString()));
  return fd;
}

absl::StatusOr<SocketAddress> SimTcp::Address(int fd, SocketApi::End end) {
  const Descriptor* const socket = Find(fd);
  const bool local = end == SocketApi::End::kLocal;
  const absl::string_view call = local ? "getsockname" : "getpeername";
  const auto object = [fd] { return absl::StrCat("descriptor ", fd); };
  if (socket == nullptr) return ToStatus(Failure(EBADF), call, object());
  if (socket->listener != nullptr) {
    if (local) return socket->listener->address;
    return ToStatus(Failure(ENOTCONN), call, object());
  }
  const int which = local ? socket->end : 1 - socket->end;
  return socket->connection->ends[which].address;
}

bool SimTcp::Has(const SocketAddress& address) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const SocketAddress& own) {
                       return own.family() == address.family() &&
                              WithPort(own, 0) == WithPort(address, 0);
                     });
}

// ---------------------------------------------------------------------------
// Connecting
// ---------------------------------------------------------------------------

int SimTcp::ChooseSource(const SocketAddress& peer, const SocketAddress* local,
                         SocketAddress* source) {
  if (local != nullptr && !IsAny(*local)) {
    if (!Has(*local)) return EADDRNOTAVAIL;
    *source = *local;
  } else {
    const auto own = std::find_if(
        addresses_.begin(), addresses_.end(),
        [&](const auto& a) { return a.family() == peer.family(); });
    if (own == addresses_.end()) return ENETUNREACH;
    *source = WithPort(Has(peer) ? peer : *own,
                       local == nullptr ? uint16_t{0} : local->port());
  }
  if (source->port() != 0) {
    return IsTaken(*source, Use::kConnect) ? EADDRINUSE : 0;
  }
  *source = WithPort(*source, TakePort(*source));
  return source->port() == 0 ? EADDRNOTAVAIL : 0;
}

IoResult SimTcp::StartConnect(const SocketAddress& address,
                              const SocketAddress* local) {
  if (!up_) return Failure(ENETDOWN);
  if (!IsIp(address)) return Failure(EAFNOSUPPORT);
  if (Interrupted()) return Failure(EINTR);
  if (const int error = OpenFault(); error != 0) return Failure(error);
  const SocketAddress peer = IsAny(address) ? LoopbackOf(address) : address;
  SocketAddress source;
  if (const int error = ChooseSource(peer, local, &source); error != 0) {
    return Failure(error);
  }
  auto connection = std::make_shared<Connection>();
  const int fd = OpenDescriptor({nullptr, connection, 0});
  connection->ends[0] = {
      .host = this, .epoch = epoch_, .address = source, .fd = fd};
  connection->ends[1].address = peer;
  Note(fd, absl::StrCat("connects to ", peer.ToString()));
  SendSyn(connection, /*attempt=*/0);
  return IoResult(fd);
}

void SimTcp::SendSyn(const std::shared_ptr<Connection>& connection,
                     int attempt) {
  Side& here = connection->ends[0];
  if (here.gone || here.open || !IsThere(here)) return;
  SimTcp* const host = wire_.HostOf(connection->ends[1].address, this);
  const auto delay = host == nullptr ? std::optional<absl::Duration>()
                                     : wire_.Pass(this, host, kHeader);
  if (delay.has_value()) {
    wire_.At(wire_.Now() + *delay, [this, host, connection, attempt] {
      host->OnSyn(connection, this, attempt);
    });
  } else {
    RetrySyn(connection, attempt);
  }
}

void SimTcp::RetrySyn(const std::shared_ptr<Connection>& connection,
                      int attempt) {
  wire_.At(wire_.Now() + kFirstSynDelay * (1 << attempt),
           [this, connection, attempt] {
             if (attempt < kSynRetries) {
               SendSyn(connection, attempt + 1);
             } else {
               Fail(connection, 0, ETIMEDOUT);
             }
           });
}

void SimTcp::OnSyn(const std::shared_ptr<Connection>& connection, SimTcp* from,
                   int attempt) {
  Side& there = connection->ends[1];
  const auto back = wire_.Pass(this, from, kHeader);
  if (!up_ || !back.has_value()) return from->RetrySyn(connection, attempt);
  if (there.host == nullptr) {
    Listener* const listener = FindListener(there.address);
    if (listener == nullptr) {
      wire_.At(wire_.Now() + *back,
               [from, connection] { from->Fail(connection, 0, ECONNREFUSED); });
      return;
    }
    // Linux lets one more wait than it was told.
    if (listener->waiting.size() > listener->backlog) {
      return from->RetrySyn(connection, attempt);
    }
    there.host = this;
    there.epoch = epoch_;
    there.open = true;
    listener->waiting.push_back(connection);
    UpdateListener(listener);
  }
  wire_.At(connection->flows[1].NextArrival(wire_.Now() + *back),
           [from, connection] { from->OnSynAck(connection); });
}

void SimTcp::OnSynAck(const std::shared_ptr<Connection>& connection) {
  Side& here = connection->ends[0];
  if (!up_) return;
  if (!IsThere(here) || here.gone) return Reset(connection, 0);
  here.open = true;
  Note(here.fd, "is connected");
  Update(*connection, 0);
}

SimTcp::Listener* SimTcp::FindListener(const SocketAddress& address) {
  std::vector<Listener*> fitting;
  for (const auto& [fd, socket] : sockets_) {
    Listener* const listener = socket->listener.get();
    if (listener != nullptr && Overlap(listener->address, address)) {
      fitting.push_back(listener);
    }
  }
  if (fitting.empty()) return nullptr;
  return fitting[fitting.size() == 1 ? 0
                                     : wire_.random().Below(fitting.size())];
}

IoResult SimTcp::Accept(int listen_fd, SocketAddress* peer) {
  Descriptor* const socket = Find(listen_fd);
  if (socket == nullptr) return Failure(EBADF);
  if (!up_) return Failure(ENETDOWN);
  Listener* const listener = socket->listener.get();
  if (listener == nullptr) return Failure(EINVAL);
  if (Interrupted()) return Failure(EINTR);
  // Those that end while they wait pass on to the next.
  while (!listener->waiting.empty() &&
         wire_.random().Chance(wire_.faults().aborted)) {
    const auto connection = std::move(listener->waiting.front());
    listener->waiting.pop_front();
    UpdateListener(listener);
    Reset(connection, 1);
  }
  if (listener->waiting.empty()) return Failure(EAGAIN);
  if (const int error = OpenFault(); error != 0) return Failure(error);
  const auto connection = std::move(listener->waiting.front());
  listener->waiting.pop_front();
  UpdateListener(listener);
  const int fd = OpenDescriptor({nullptr, connection, 1});
  connection->ends[1].fd = fd;
  if (peer != nullptr) *peer = connection->ends[0].address;
  Note(fd, absl::StrCat("is accepted from ",
                        connection->ends[0].address.ToString()));
  Update(*connection, 1);
  return IoResult(fd);
}

// ---------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------

bool SimTcp::Interrupted() {
  // As SocketApi says: it is retried.
  constexpr int kMaxRetries = 100;
  for (int retries = 0; wire_.random().Chance(wire_.faults().interrupted);
       ++retries) {
    if (retries == kMaxRetries) return true;
  }
  return false;
}

IoResult SimTcp::Interruption() {
  if (Interrupted()) return Failure(EINTR);
  if (wire_.random().Chance(wire_.faults().would_block)) {
    return Failure(EAGAIN);
  }
  return IoResult(0);
}

IoResult SimTcp::Read(int fd, absl::Span<char> into) {
  SLUICE_CHECK(!into.empty());
  Descriptor* const socket = Find(fd);
  if (socket == nullptr) return Failure(EBADF);
  if (socket->connection == nullptr) return Failure(ENOTCONN);
  if (!up_) return Failure(ENETDOWN);
  if (const IoResult fault = Interruption(); !fault.ok()) return fault;
  const std::shared_ptr<Connection> connection = socket->connection;
  Side& here = connection->ends[socket->end];
  Flow& flow = connection->flows[1 - socket->end];
  size_t size = std::min<uint64_t>(flow.arrived - flow.read, into.size());
  if (size == 0) {
    if (flow.fin_arrived) return IoResult(0);
    if (here.error != 0) return Failure(TakeError(*connection, socket->end));
    return here.gone ? IoResult(0) : Failure(EAGAIN);
  }
  if (size > 1 && wire_.random().Chance(wire_.faults().short_count)) {
    size = 1 + wire_.random().Below(size);
  }
  std::memcpy(into.data(), flow.bytes.data(), size);
  flow.bytes.erase(0, size);
  flow.read += size;
  Update(*connection, socket->end);
  TellFreed(connection, 1 - socket->end, kFirstDelay);
  return IoResult(static_cast<int64_t>(size));
}

IoResult SimTcp::UnreadBytes(int fd) {
  const Descriptor* const socket = Find(fd);
  if (socket == nullptr) return Failure(EBADF);
  if (socket->connection == nullptr) return Failure(EINVAL);
  const Flow& flow = socket->connection->flows[1 - socket->end];
  return IoResult(static_cast<int64_t>(flow.arrived - flow.read));
}

IoResult SimTcp::Write(int fd, absl::Span<const absl::string_view> pieces) {
  Descriptor* const socket = Find(fd);
  if (socket == nullptr) return Failure(EBADF);
  if (socket->connection == nullptr) return Failure(EPIPE);
  if (!up_) return Failure(ENETDOWN);
  if (const IoResult fault = Interruption(); !fault.ok()) return fault;
  const std::shared_ptr<Connection> connection = socket->connection;
  Side& here = connection->ends[socket->end];
  Flow& flow = connection->flows[socket->end];
  if (here.error != 0) return Failure(TakeError(*connection, socket->end));
  if (here.gone || flow.fin_sent) return Failure(EPIPE);
  if (!here.open) return Failure(EAGAIN);
  size_t size = 0;
  for (const absl::string_view piece :
       pieces.subspan(0, std::min(pieces.size(), kMaxPieces))) {
    size += piece.size();
  }
  if (size == 0) return IoResult(0);
  size = std::min<uint64_t>(size, Room(flow));
  if (size == 0) return Failure(EAGAIN);
  if (size > 1 && wire_.random().Chance(wire_.faults().short_count)) {
    size = 1 + wire_.random().Below(size);
  }
  size_t left = size;
  for (const absl::string_view piece : pieces) {
    const absl::string_view part = piece.substr(0, left);
    flow.bytes.append(part.data(), part.size());
    left -= part.size();
    if (left == 0) break;
  }
  flow.sent += size;
  Send(connection, socket->end, size, /*fin=*/false);
  Update(*connection, socket->end);
  return IoResult(static_cast<int64_t>(size));
}

IoResult SimTcp::ShutdownWrite(int fd) {
  Descriptor* const socket = Find(fd);
  if (socket == nullptr) return Failure(EBADF);
  if (socket->connection == nullptr) return IoResult(0);
  if (!up_) return Failure(ENETDOWN);
  const std::shared_ptr<Connection> connection = socket->connection;
  const Side& here = connection->ends[socket->end];
  if (here.gone || !here.open) return Failure(ENOTCONN);
  Flow& flow = connection->flows[socket->end];
  if (flow.fin_sent) return IoResult(0);
  flow.fin_sent = true;
  Note(fd, "sends FIN");
  Send(connection, socket->end, 0, /*fin=*/true);
  Update(*connection, socket->end);
  return IoResult(0);
}

IoResult SimTcp::PendingError(int fd) {
  Descriptor* const socket = Find(fd);
  if (socket == nullptr) return Failure(EBADF);
  if (socket->connection == nullptr) return IoResult(0);
  return IoResult(-TakeError(*socket->connection, socket->end));
}

IoResult SimTcp::SetOption(int fd, Option, int) {
  if (Find(fd) == nullptr) return Failure(EBADF);
  return up_ ? IoResult(0) : Failure(ENETDOWN);
}

void SimTcp::Close(int fd, CloseMode mode) {
  const auto it = sockets_.find(fd);
  SLUICE_CHECK(it != sockets_.end());
  const std::unique_ptr<Descriptor> socket = std::move(it->second);
  sockets_.erase(it);
  descriptors_.Close(fd);
  if (socket->listener != nullptr) {
    if (!up_) return;
    Note(fd, "stops listening");
    for (const auto& connection : socket->listener->waiting) {
      Reset(connection, 1);
    }
    return;
  }
  const std::shared_ptr<Connection>& connection = socket->connection;
  Side& here = connection->ends[socket->end];
  here.fd = -1;
  here.closed = true;
  if (!IsThere(here) || here.gone) return;
  const Flow& unread = connection->flows[1 - socket->end];
  if (!here.open) {
    here.gone = true;
  } else if (mode == CloseMode::kReset || unread.arrived > unread.read) {
    Note(fd, "is reset");
    Reset(connection, socket->end);
  } else {
    Note(fd, "is closed");
    Flow& flow = connection->flows[socket->end];
    if (flow.fin_sent) return;
    flow.fin_sent = true;
    Send(connection, socket->end, 0, /*fin=*/true);
  }
}

// ---------------------------------------------------------------------------
// The wire
// ---------------------------------------------------------------------------

uint64_t SimTcp::Room(const Flow& flow) const {
  const uint64_t used = flow.sent - flow.freed;
  return options_.buffer_bytes -
         std::min<uint64_t>(used, options_.buffer_bytes);
}

bool SimTcp::IsThere(const Side& end) const {
  return up_ && end.epoch == epoch_;
}

void SimTcp::Send(const std::shared_ptr<Connection>& connection, int end,
                  size_t size, bool fin) {
  Flow& flow = connection->flows[end];
  SimTcp* const to = connection->ends[1 - end].host;
  const uint64_t position = flow.sent;
  if (wire_.random().Chance(wire_.faults().reset)) {
    wire_.At(wire_.Now(), [this, connection, end] {
      if (connection->ends[end].gone) return;
      OnReset(connection, end);
      connection->ends[1 - end].host->OnReset(connection, 1 - end);
    });
  }
  const auto delay = wire_.Pass(this, to, kHeader + size);
  if (!delay.has_value()) {
    return Retry(connection, end, position, fin, kFirstDelay,
                 wire_.Now() + kGiveUp);
  }
  const MonotonicTime arrival = flow.NextArrival(wire_.Now() + *delay);
  wire_.At(arrival, [connection, end, position, fin] {
    Flow& f = connection->flows[end];
    if (f.retrying) {
      f.arrives = std::max(f.arrives, position);
      f.fin_arrives |= fin;
    } else {
      connection->ends[1 - end].host->Arrive(connection, end, position, fin);
    }
  });
}

void SimTcp::Retry(const std::shared_ptr<Connection>& connection, int end,
                   uint64_t position, bool fin, absl::Duration delay,
                   MonotonicTime give_up) {
  Flow& flow = connection->flows[end];
  flow.arrives = std::max(flow.arrives, position);
  flow.fin_arrives |= fin;
  if (flow.retrying && delay == kFirstDelay) return;  // that is under way
  flow.retrying = true;
  wire_.At(wire_.Now() + delay, [this, connection, end, delay, give_up] {
    Side& here = connection->ends[end];
    Flow& f = connection->flows[end];
    if (here.gone || here.epoch != epoch_) return;
    if (wire_.Now() >= give_up) return Fail(connection, end, ETIMEDOUT);
    SimTcp* const to = connection->ends[1 - end].host;
    const auto passes = wire_.Pass(this, to, kHeader);
    if (!passes.has_value() || !to->is_up()) {
      return Retry(connection, end, f.arrives, f.fin_arrives,
                   std::min(2 * delay, kLongestDelay), give_up);
    }
    f.retrying = false;
    to->Arrive(connection, end, f.arrives, f.fin_arrives);
  });
}

void SimTcp::Arrive(const std::shared_ptr<Connection>& connection, int end,
                    uint64_t position, bool fin) {
  Side& sender = connection->ends[end];
  Side& here = connection->ends[1 - end];
  Flow& flow = connection->flows[end];
  if (sender.gone && here.gone) return;
  if (!up_) {
    return sender.host->Retry(connection, end, position, fin, kFirstDelay,
                              wire_.Now() + kGiveUp);
  }
  const bool data = position > flow.arrived;
  if (here.epoch != epoch_ || here.gone || (here.closed && data)) {
    here.gone = true;
    return Reset(connection, 1 - end);
  }
  flow.arrived = std::max(flow.arrived, position);
  flow.fin_arrived |= fin;
  FinishIfDone(*connection);
  Update(*connection, 1 - end);
}

void SimTcp::FinishIfDone(Connection& connection) {
  const Flow& a = connection.flows[0];
  const Flow& b = connection.flows[1];
  if (!a.fin_arrived || !b.fin_arrived) return;
  connection.ends[0].gone = true;
  connection.ends[1].gone = true;
  for (int end = 0; end < 2; ++end) {
    connection.ends[end].host->Update(connection, end);
  }
}

void SimTcp::Reset(const std::shared_ptr<Connection>& connection, int end) {
  connection->ends[end].gone = true;
  SimTcp* const to = connection->ends[1 - end].host;
  const auto delay = wire_.Pass(this, to, kHeader);
  if (!delay.has_value()) return;  // nobody sends that again
  wire_.At(connection->flows[end].NextArrival(wire_.Now() + *delay),
           [to, connection, end] { to->OnReset(connection, 1 - end); });
}

void SimTcp::OnReset(const std::shared_ptr<Connection>& connection, int end) {
  const bool only_fin_came = connection->flows[1 - end].fin_arrived &&
                             !connection->flows[end].fin_sent;
  Fail(connection, end, only_fin_came ? EPIPE : ECONNRESET);
}

void SimTcp::Fail(const std::shared_ptr<Connection>& connection, int end,
                  int error) {
  Side& here = connection->ends[end];
  if (!IsThere(here) || here.gone) return;
  here.gone = true;
  here.error = error;
  if (here.fd >= 0) {
    Note(here.fd, absl::StrCat("fails: ", strerrorname_np(error)));
  }
  Update(*connection, end);
}

void SimTcp::TellFreed(const std::shared_ptr<Connection>& connection, int end,
                       absl::Duration retry) {
  SimTcp* const to = connection->ends[end].host;
  const auto delay = wire_.Pass(this, to, kHeader);
  wire_.At(wire_.Now() + delay.value_or(retry),
           [this, to, connection, end, retry, lost = !delay.has_value()] {
             Flow& flow = connection->flows[end];
             if (connection->ends[end].gone) return;
             if (lost) {
               return TellFreed(connection, end,
                                std::min(2 * retry, kLongestDelay));
             }
             flow.freed = flow.read;
             to->Update(*connection, end);
           });
}

// ---------------------------------------------------------------------------
// Readiness
// ---------------------------------------------------------------------------

int SimTcp::TakeError(Connection& connection, int end) {
  const int error = std::exchange(connection.ends[end].error, 0);
  if (error != 0) Update(connection, end);
  return error;
}

void SimTcp::Update(Connection& connection, int end) {
  const Side& here = connection.ends[end];
  if (here.fd < 0 || !IsThere(here)) return;
  const Flow& in = connection.flows[1 - end];
  const Flow& out = connection.flows[end];
  IoEvents ready = 0;
  if (in.arrived > in.read || in.fin_arrived || here.gone) ready |= kReadable;
  if (here.gone || out.fin_sent || (here.open && Room(out) > 0)) {
    ready |= kWritable;
  }
  if (here.error != 0) ready |= kError;
  if (here.gone || (in.fin_arrived && out.fin_sent)) ready |= kHangup;
  SetReady(here.fd, ready);
}

void SimTcp::UpdateListener(const Listener* listener) {
  for (const auto& [fd, socket] : sockets_) {
    if (socket->listener.get() == listener) {
      SetReady(fd, listener->waiting.empty() ? IoEvents{0} : kReadable);
    }
  }
}

void SimTcp::SetReady(int fd, IoEvents ready) {
  if (descriptors_.ready(fd) == ready) return;
  descriptors_.SetReady(fd, ready);
  wire_.Ready(this);
}

void SimTcp::Note(int fd, absl::string_view what) {
  wire_.Note(this, absl::StrCat("descriptor ", fd, " ", what));
}

}  // namespace sluice

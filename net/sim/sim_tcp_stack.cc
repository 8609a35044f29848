#include "sluice/net/sim/sim_tcp_stack.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_ports.h"
#include "sluice/net/sim/sim_wire.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// The value of Linux: tcp(7), tcp_syn_retries.
constexpr int kSynRetries = 6;
constexpr absl::Duration kFirstSynDelay = absl::Seconds(1);

SocketAddress LoopbackOf(const SocketAddress& any) {
  return any.family() == AF_INET ? SocketAddress::Loopback4(any.port())
                                 : SocketAddress::Loopback6(any.port());
}

}  // namespace

// A listener and the connections in its backlog.
class SimTcpListener final : public SimSocket {
 public:
  SimTcpListener(SimTcpStack* stack, int fd, const SocketAddress& address,
                 const SocketApi::ListenOptions& options)
      : host_(stack->host_),
        fd_(fd),
        address_(address),
        backlog_(static_cast<size_t>(options.backlog)),
        options_(stack->options_) {
    host_.ports().AddListener(SimEndpoint(address_), this, options.reuse_port);
    host_.Note(fd_, "listens on ", address_.ToString());
  }

  // Linux lets one more connection wait than the backlog says.
  bool IsFull() const { return waiting_.size() > backlog_; }
  void Add(const std::shared_ptr<SimTcpConnection>& connection) {
    connection->MakeOtherEnd(&host_, options_);
    waiting_.push_back(connection);
    Update();
  }

  std::optional<SocketAddress> Address(SocketApi::End end) const override {
    if (end == SocketApi::End::kPeer) return std::nullopt;
    return address_;
  }
  int AcceptError() override {
    // Skips connections that end while they wait.
    SimWire& wire = host_.wire();
    while (!waiting_.empty() && wire.random().Chance(wire.faults().aborted)) {
      TakeOldest()->Reset(1);
    }
    return waiting_.empty() ? EAGAIN : 0;
  }
  std::unique_ptr<SimSocket> Accept(int fd, SocketAddress* peer) override {
    const std::shared_ptr<SimTcpConnection> connection = TakeOldest();
    const SocketAddress& from = connection->address(0);
    if (peer != nullptr) *peer = from;
    host_.Note(fd, "is accepted from ", from.ToString());
    connection->SetDescriptor(1, fd);
    return connection->NewSocket(1);
  }
  int TakeError() override { return 0; }
  IoResult Read(absl::Span<char>) override {
    return IoResult::FromErrno(ENOTCONN);
  }
  IoResult UnreadBytes() override { return IoResult::FromErrno(EINVAL); }
  IoResult Write(absl::Span<const absl::string_view>) override {
    return IoResult::FromErrno(EPIPE);
  }
  IoResult ShutdownWrite() override { return IoResult(0); }
  // Sets the options of connections that will be accepted.
  void SetOption(SocketApi::Option option, int value) override {
    options_.Set(option, value);
  }
  void Close(CloseMode) override {
    if (!host_.is_up()) return;
    host_.ports().RemoveListener(SimEndpoint(address_), this);
    host_.Note(fd_, "stops listening");
    for (const auto& connection : waiting_) connection->Reset(1);
  }

 private:
  std::shared_ptr<SimTcpConnection> TakeOldest() {
    auto connection = std::move(waiting_.front());
    waiting_.pop_front();
    Update();
    return connection;
  }
  void Update() {
    host_.SetReady(fd_, waiting_.empty() ? IoEvents{0} : kReadable);
  }

  SimSocketHost& host_;
  const int fd_;
  const SocketAddress address_;
  const size_t backlog_;
  SimTcpOptions options_;
  std::deque<std::shared_ptr<SimTcpConnection>> waiting_;
};

SimTcpStack::SimTcpStack(SimSocketHost* host,
                         std::vector<SocketAddress> addresses,
                         size_t buffer_bytes, Route route)
    : host_(*host),
      addresses_(std::move(addresses)),
      options_({.send_buffer = buffer_bytes - buffer_bytes / 2,
                .receive_buffer = buffer_bytes / 2}),
      route_(std::move(route)) {
  SLUICE_CHECK(!addresses_.empty());
}

bool SimTcpStack::Has(const SocketAddress& address) const {
  SimEndpoint asked(address);
  asked.port = 0;
  return std::any_of(
      addresses_.begin(), addresses_.end(),
      [&](const SocketAddress& own) { return SimEndpoint(own) == asked; });
}

int SimTcpStack::Listen(int fd, const SocketAddress& address,
                        const SocketApi::ListenOptions& options,
                        std::unique_ptr<SimSocket>* socket) {
  SimPorts& ports = host_.ports();
  ports.Expire(host_.wire().Now());
  if (!SimEndpoint(address).IsAny() && !Has(address)) return EADDRNOTAVAIL;
  SocketAddress bound = address;
  if (address.port() == 0) bound = WithPort(address, ports.FreePort(address));
  if (bound.port() == 0 ||
      !ports.MayListen(SimEndpoint(bound), options.reuse_port)) {
    return EADDRINUSE;
  }
  *socket = std::make_unique<SimTcpListener>(this, fd, bound, options);
  return 0;
}

// ---------------------------------------------------------------------------
// Connecting
// ---------------------------------------------------------------------------

int SimTcpStack::ChooseSource(const SocketAddress& peer,
                              const SocketAddress* local,
                              SocketAddress* source) {
  if (local != nullptr && !SimEndpoint(*local).IsAny()) {
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
  SimPorts& ports = host_.ports();
  const MonotonicTime now = host_.wire().Now();
  ports.Expire(now);
  if (source->port() != 0) {
    return ports.MayBind(SimEndpoint(*source)) ? 0 : EADDRINUSE;
  }
  *source =
      WithPort(*source, ports.FreePortTo(*source, SimEndpoint(peer), now));
  return source->port() == 0 ? EADDRNOTAVAIL : 0;
}

int SimTcpStack::StartConnect(int fd, const SocketAddress& address,
                              const SocketAddress* local,
                              std::unique_ptr<SimSocket>* socket) {
  const SocketAddress peer =
      SimEndpoint(address).IsAny() ? LoopbackOf(address) : address;
  SocketAddress source;
  if (const int error = ChooseSource(peer, local, &source); error != 0) {
    return error;
  }
  const bool bound = local != nullptr && local->port() != 0;
  const auto connection = std::make_shared<SimTcpConnection>(
      &host_, fd, source, peer, bound, options_);
  *socket = connection->NewSocket(0);
  host_.Note(fd, "connects to ", peer.ToString());
  SendSyn(connection, /*attempt=*/0);
  return 0;
}

void SimTcpStack::SendSyn(const Connection& connection, int attempt) {
  if (!connection->is_connecting()) return;
  SimTcpStack* const to = route_(connection->address(1));
  const auto delay =
      to == nullptr
          ? std::optional<absl::Duration>()
          : host_.wire().Pass(host_.self(), to->host_.self(), SimWire::kHeader);
  if (!delay.has_value()) return RetrySyn(connection, attempt);
  host_.wire().At(host_.wire().Now() + *delay, [this, to, connection, attempt] {
    to->OnSyn(connection, this, attempt);
  });
}

void SimTcpStack::RetrySyn(const Connection& connection, int attempt) {
  host_.wire().At(host_.wire().Now() + kFirstSynDelay * (1 << attempt),
                  [this, connection, attempt] {
                    if (attempt < kSynRetries) {
                      SendSyn(connection, attempt + 1);
                    } else {
                      connection->Fail(0, ETIMEDOUT);
                    }
                  });
}

void SimTcpStack::OnSyn(const Connection& connection, SimTcpStack* from,
                        int attempt) {
  SimWire& wire = host_.wire();
  const auto back =
      wire.Pass(host_.self(), from->host_.self(), SimWire::kHeader);
  if (!host_.is_up() || !back.has_value()) {
    return from->RetrySyn(connection, attempt);
  }
  if (connection->address(0) == connection->address(1)) {
    if (connection->is_connecting()) connection->JoinToItself();
    return;
  }
  if (!connection->has_other_end()) {
    if (ResetsOldConnection(connection)) {
      return from->RetrySyn(connection, attempt);
    }
    SimTcpListener* const listener = host_.ports().FindListener(
        SimEndpoint(connection->address(1)), &wire.random());
    if (listener == nullptr) {
      wire.At(wire.Now() + *back,
              [connection] { connection->Fail(0, ECONNREFUSED); });
      return;
    }
    if (listener->IsFull()) return from->RetrySyn(connection, attempt);
    listener->Add(connection);
  }
  wire.At(connection->NextArrival(1, *back),
          [connection] { connection->OnSynAck(); });
}

bool SimTcpStack::ResetsOldConnection(const Connection& connection) {
  SimTcpConnection* const old =
      host_.ports().Find({SimEndpoint(connection->address(1)),
                          SimEndpoint(connection->address(0))});
  if (old == nullptr || old->is_connecting()) return false;
  // The other host answers it with a reset, because it does not have the
  // connection.
  old->Fail(old->address(0) == connection->address(1) ? 0 : 1, ECONNRESET);
  return true;
}

}  // namespace sluice

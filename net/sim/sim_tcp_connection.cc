#include "sluice/net/sim/sim_tcp_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sluice/base/check.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_wire.h"

namespace sluice {
namespace {

// The values of Linux: tcp(7), tcp_retries2, tcp_keepalive_time, _intvl and
// _probes.
constexpr absl::Duration kFirstDelay = absl::Milliseconds(200);
constexpr absl::Duration kLongestDelay = absl::Seconds(120);
constexpr absl::Duration kGiveUp = absl::Seconds(924);
constexpr absl::Duration kKeepAliveTime = absl::Hours(2);
constexpr absl::Duration kKeepAliveInterval = absl::Seconds(75);
constexpr int kKeepAliveProbes = 9;

}  // namespace

void SimTcpOptions::Set(SocketApi::Option option, int value) {
  switch (option) {
    case SocketApi::Option::kNoDelay:
      break;
    case SocketApi::Option::kKeepAlive:
      keep_alive = value != 0;
      break;
    case SocketApi::Option::kSendBuffer:
      send_buffer = SendBufferFor(value);
      break;
    case SocketApi::Option::kReceiveBuffer:
      receive_buffer = ReceiveBufferFor(value);
      break;
  }
}

// The socket behind the descriptor of one end.
class SimTcpConnection::EndSocket final : public SimSocket {
 public:
  EndSocket(std::shared_ptr<SimTcpConnection> connection, int end)
      : connection_(std::move(connection)), end_(end) {}

  std::optional<SocketAddress> Address(SocketApi::End which) const override {
    const SocketAddress& here = connection_->address(end_);
    const bool local = which == SocketApi::End::kLocal;
    if (connection_->ends_[end_].disconnected) {
      if (!local) return std::nullopt;
      const auto any = SocketAddress::Parse(
          here.family() == AF_INET ? "0.0.0.0:0" : "[::]:0");
      return WithPort(*any, here.port());
    }
    return local ? here : connection_->address(connection_->Other(end_));
  }
  int TakeError() override { return connection_->TakeError(end_); }
  IoResult Read(absl::Span<char> into) override {
    return connection_->Read(end_, into);
  }
  IoResult UnreadBytes() override {
    const Flow& in = connection_->flows_[connection_->Other(end_)];
    return IoResult(static_cast<int64_t>(in.arrived - in.read));
  }
  IoResult Write(absl::Span<const absl::string_view> pieces) override {
    return connection_->Write(end_, pieces);
  }
  IoResult ShutdownWrite() override { return connection_->ShutdownWrite(end_); }
  void SetOption(SocketApi::Option option, int value) override {
    connection_->SetOption(end_, option, value);
  }
  void Close(CloseMode mode) override { connection_->Close(end_, mode); }

 private:
  const std::shared_ptr<SimTcpConnection> connection_;
  const int end_;
};

SimTcpConnection::SimTcpConnection(SimSocketHost* host, int fd,
                                   const SocketAddress& source,
                                   const SocketAddress& peer, bool bound,
                                   const SimTcpOptions& options) {
  Side& here = ends_[0];
  here.host = host;
  here.epoch = host->epoch();
  here.address = source;
  here.pair.emplace(SimEndpoint(source), SimEndpoint(peer));
  here.options = options;
  here.fd = fd;
  here.bound = bound;
  host->ports().Add(*here.pair, SimPorts::By::kConnecting, this);
  if (bound) host->ports().Bind(here.pair->first);
  ends_[1].address = peer;
  ends_[1].options = options;  // until MakeOtherEnd()
}

void SimTcpConnection::MakeOtherEnd(SimSocketHost* host,
                                    const SimTcpOptions& options) {
  Side& there = ends_[1];
  there.host = host;
  there.epoch = host->epoch();
  there.pair.emplace(ends_[0].pair->second, ends_[0].pair->first);
  there.options = options;
  there.open = true;
  host->ports().Add(*there.pair, SimPorts::By::kAccepting, this);
  StartProbing(1);
}

void SimTcpConnection::JoinToItself() {
  joined_ = true;
  ends_[0].open = true;
  Update(0);
}

void SimTcpConnection::OnSynAck() {
  Side& here = ends_[0];
  if (!here.host->is_up()) return;
  if (!IsThere(here) || here.gone) {
    Reset(0);
    return;
  }
  here.open = true;
  here.host->Note(here.fd, "is connected");
  StartProbing(0);
  Update(0);
}

std::unique_ptr<SimSocket> SimTcpConnection::NewSocket(int end) {
  return std::make_unique<EndSocket>(shared_from_this(), end);
}

void SimTcpConnection::SetDescriptor(int end, int fd) {
  ends_[end].fd = fd;
  Update(end);
}

// ---------------------------------------------------------------------------
// Calls
// ---------------------------------------------------------------------------

IoResult SimTcpConnection::Read(int end, absl::Span<char> into) {
  const Side& here = ends_[end];
  Flow& flow = flows_[Other(end)];
  const size_t most = std::min<uint64_t>(flow.arrived - flow.read, into.size());
  if (most == 0) {
    if (flow.fin_arrived) return IoResult(0);
    if (here.error != 0) return IoResult::FromErrno(TakeError(end));
    if (here.disconnected) return IoResult::FromErrno(ENOTCONN);
    return here.gone ? IoResult(0) : IoResult::FromErrno(EAGAIN);
  }
  const size_t size = here.host->Shortened(most);
  flow.bytes.Take(into.data(), size);
  flow.read += size;
  Update(end);
  // As for a window update of TCP: while the writer has much room, a later
  // packet tells it about all bytes that were read.
  if (2 * (flow.sent - flow.freed) >= Buffer(Other(end))) {
    TellFreed(Other(end), kFirstDelay);
  }
  return IoResult(static_cast<int64_t>(size));
}

IoResult SimTcpConnection::Write(int end,
                                 absl::Span<const absl::string_view> pieces) {
  const Side& here = ends_[end];
  Flow& flow = flows_[end];
  if (here.error != 0) return IoResult::FromErrno(TakeError(end));
  if (here.gone || flow.fin_sent) return IoResult::FromErrno(EPIPE);
  if (!here.open) return IoResult::FromErrno(EAGAIN);
  const size_t asked = SizeOf(pieces);
  if (asked == 0) return IoResult(0);
  const size_t most = std::min<uint64_t>(asked, Room(end));
  if (most == 0) return IoResult::FromErrno(EAGAIN);
  const size_t size = here.host->Shortened(most);
  flow.bytes.Append(pieces, size);
  flow.sent += size;
  Send(end, size, /*fin=*/false);
  Update(end);
  return IoResult(static_cast<int64_t>(size));
}

IoResult SimTcpConnection::ShutdownWrite(int end) {
  Side& here = ends_[end];
  Flow& flow = flows_[end];
  if (here.gone) return IoResult::FromErrno(ENOTCONN);
  if (!here.open) {
    // Linux undoes the attempt: the socket is like a new one, except for an
    // error.
    here.disconnected = true;
    Fail(end, ECONNRESET);
    return IoResult(0);
  }
  if (flow.fin_sent) return IoResult(0);
  flow.fin_sent = true;
  here.host->Note(here.fd, "sends FIN");
  Send(end, 0, /*fin=*/true);
  Update(end);
  return IoResult(0);
}

void SimTcpConnection::SetOption(int end, SocketApi::Option option, int value) {
  ends_[end].options.Set(option, value);
  StartProbing(end);
  Update(end);
}

void SimTcpConnection::Close(int end, CloseMode mode) {
  Side& here = ends_[end];
  here.closed = true;
  const int fd = std::exchange(here.fd, -1);
  if (!IsThere(here)) return;
  if (here.bound) here.host->ports().Unbind(here.pair->first);
  if (here.gone) return;
  const Flow& in = flows_[Other(end)];
  Flow& out = flows_[end];
  if (!here.open) {
    here.gone = true;
    Leave(end);
  } else if (in.arrived > in.read || mode == CloseMode::kReset) {
    here.host->Note(fd, "is reset");
    Reset(end);
  } else {
    here.host->Note(fd, "is closed");
    if (!std::exchange(out.fin_sent, true)) Send(end, 0, /*fin=*/true);
    OrphanIfSent(end);
  }
}

int SimTcpConnection::TakeError(int end) {
  const int error = std::exchange(ends_[end].error, 0);
  if (error != 0) Update(end);
  return error;
}

size_t SimTcpConnection::Buffer(int from) const {
  return ends_[from].options.send_buffer +
         ends_[Other(from)].options.receive_buffer;
}

uint64_t SimTcpConnection::Room(int from) const {
  const uint64_t used = flows_[from].sent - flows_[from].freed;
  const uint64_t most = Buffer(from);
  return most - std::min(used, most);
}

void SimTcpConnection::Update(int end) {
  const Side& here = ends_[end];
  if (here.fd < 0 || !IsThere(here)) return;
  const Flow& in = flows_[Other(end)];
  const Flow& out = flows_[end];
  IoEvents ready = 0;
  if (in.arrived > in.read || in.fin_arrived ||
      (here.gone && !here.disconnected)) {
    ready |= kReadable;
  }
  if (here.gone || out.fin_sent || (here.open && Room(end) > 0)) {
    ready |= kWritable;
  }
  if (here.error != 0) ready |= kError;
  if (here.gone || (in.fin_arrived && out.fin_sent)) ready |= kHangup;
  here.host->SetReady(here.fd, ready);
}

// ---------------------------------------------------------------------------
// Packets
// ---------------------------------------------------------------------------

std::optional<absl::Duration> SimTcpConnection::Pass(int from, size_t bytes) {
  return wire().Pass(ends_[from].host->self(), ends_[Other(from)].host->self(),
                     SimWire::kHeader + bytes);
}

MonotonicTime SimTcpConnection::NextArrival(int end, absl::Duration delay) {
  MonotonicTime& last = flows_[end].last_arrival;
  last = std::max(wire().Now() + delay, last + absl::Nanoseconds(1));
  return last;
}

void SimTcpConnection::Send(int from, size_t size, bool fin) {
  if (wire().random().Chance(wire().faults().reset)) {
    wire().At(wire().Now(), [self = shared_from_this(), from] {
      if (self->ends_[from].gone) return;
      self->OnReset(from);
      self->OnReset(self->Other(from));
    });
  }
  const uint64_t position = flows_[from].sent;
  const auto delay = Pass(from, size);
  if (!delay.has_value()) {
    return Retry(from, position, fin, kFirstDelay, wire().Now() + kGiveUp);
  }
  wire().At(NextArrival(from, *delay),
            [self = shared_from_this(), from, position, fin] {
              Flow& flow = self->flows_[from];
              if (flow.retrying) {
                flow.arrives = std::max(flow.arrives, position);
                flow.fin_arrives |= fin;
              } else {
                self->Arrive(from, position, fin);
              }
            });
}

void SimTcpConnection::Retry(int from, uint64_t position, bool fin,
                             absl::Duration delay, MonotonicTime give_up) {
  Flow& flow = flows_[from];
  flow.arrives = std::max(flow.arrives, position);
  flow.fin_arrives |= fin;
  if (flow.retrying && delay == kFirstDelay) return;  // a retry is scheduled
  flow.retrying = true;
  wire().At(wire().Now() + delay,
            [self = shared_from_this(), from, delay, give_up] {
              self->SendAgain(from, delay, give_up);
            });
}

void SimTcpConnection::SendAgain(int from, absl::Duration delay,
                                 MonotonicTime give_up) {
  const Side& here = ends_[from];
  Flow& flow = flows_[from];
  if (here.gone || here.epoch != here.host->epoch()) return;
  if (wire().Now() >= give_up) return Fail(from, ETIMEDOUT);
  if (!Pass(from, 0).has_value() || !ends_[Other(from)].host->is_up()) {
    return Retry(from, flow.arrives, flow.fin_arrives,
                 std::min(2 * delay, kLongestDelay), give_up);
  }
  flow.retrying = false;
  Arrive(from, flow.arrives, flow.fin_arrives);
}

void SimTcpConnection::Arrive(int from, uint64_t position, bool fin) {
  const int to = Other(from);
  Side& here = ends_[to];
  Flow& flow = flows_[from];
  if (ends_[from].gone && here.gone) return;
  if (!here.host->is_up()) {
    return Retry(from, position, fin, kFirstDelay, wire().Now() + kGiveUp);
  }
  const bool data = position > flow.arrived;
  if (!IsThere(here) || here.gone || (here.closed && data) ||
      WasForgotten(here)) {
    // Sends the packet again if no reset arrives.
    if (!Reset(to)) {
      Retry(from, position, fin, kFirstDelay, wire().Now() + kGiveUp);
    }
    return;
  }
  here.heard = wire().Now();
  flow.arrived = std::max(flow.arrived, position);
  if (fin && !std::exchange(flow.fin_arrived, true)) {
    here.waits = flows_[to].fin_sent;
    FinishIfDone();
    OrphanIfSent(from);
  }
  Update(to);
}

void SimTcpConnection::FinishIfDone() {
  if (!flows_[0].fin_arrived || !flows_[Other(0)].fin_arrived) return;
  for (int end = 0; end <= Other(0); ++end) {
    if (std::exchange(ends_[end].gone, true)) continue;
    if (ends_[end].waits) {
      WaitForLast(end);
    } else {
      Leave(end);
    }
    Update(end);
  }
}

bool SimTcpConnection::Reset(int end) {
  ends_[end].gone = true;
  Leave(end);
  const auto delay = Pass(end, 0);
  if (!delay.has_value()) return false;
  wire().At(NextArrival(end, *delay), [self = shared_from_this(),
                                       to = Other(end)] { self->OnReset(to); });
  return true;
}

void SimTcpConnection::OnReset(int end) {
  const bool only_fin_came =
      flows_[Other(end)].fin_arrived && !flows_[end].fin_sent;
  Fail(end, only_fin_came ? EPIPE : ECONNRESET);
}

void SimTcpConnection::Fail(int end, int error) {
  Side& here = ends_[end];
  if (!IsThere(here) || here.gone) return;
  here.gone = true;
  here.error = error;
  Leave(end);
  if (here.fd >= 0) {
    here.host->Note(here.fd, "fails: ", strerrorname_np(error));
  }
  Update(end);
}

void SimTcpConnection::TellFreed(int to, absl::Duration retry) {
  const auto delay = Pass(Other(to), 0);
  wire().At(wire().Now() + delay.value_or(retry),
            [self = shared_from_this(), to, retry, lost = !delay.has_value()] {
              Side& writer = self->ends_[to];
              if (writer.gone) return;
              if (lost) {
                return self->TellFreed(to, std::min(2 * retry, kLongestDelay));
              }
              writer.heard = self->wire().Now();
              self->flows_[to].freed = self->flows_[to].read;
              self->Update(to);
            });
}

// ---------------------------------------------------------------------------
// Ports
// ---------------------------------------------------------------------------

void SimTcpConnection::Leave(int end) {
  const Side& here = ends_[end];
  if (IsThere(here)) here.host->ports().Remove(*here.pair, this);
}

void SimTcpConnection::WaitForLast(int end) {
  const Side& here = ends_[end];
  if (IsThere(here)) {
    here.host->ports().TimeWait(*here.pair, this, wire().Now());
  }
}

void SimTcpConnection::OrphanIfSent(int end) {
  Side& here = ends_[end];
  if (!here.closed || here.gone || !flows_[end].fin_arrived) return;
  here.orphaned = true;
  WaitForLast(end);
}

bool SimTcpConnection::WasForgotten(const Side& end) const {
  if (!end.orphaned) return false;
  end.host->ports().Expire(wire().Now());
  return !end.host->ports().IsOf(*end.pair, this);
}

// ---------------------------------------------------------------------------
// Keep-alive
// ---------------------------------------------------------------------------

void SimTcpConnection::StartProbing(int end) {
  Side& here = ends_[end];
  if (!here.options.keep_alive || !here.open || here.gone || here.probing) {
    return;
  }
  here.probing = true;
  here.heard = wire().Now();
  ProbeAfter(end, kKeepAliveTime, /*unanswered=*/0);
}

void SimTcpConnection::ProbeAfter(int end, absl::Duration delay,
                                  int unanswered) {
  wire().At(wire().Now() + delay,
            [connection = weak_from_this(), end, unanswered] {
              if (const auto self = connection.lock(); self != nullptr) {
                self->Probe(end, unanswered);
              }
            });
}

void SimTcpConnection::Probe(int end, int unanswered) {
  Side& here = ends_[end];
  if (!IsThere(here) || here.gone || here.closed || !here.options.keep_alive) {
    here.probing = false;
    return;
  }
  const absl::Duration idle = wire().Now() - here.heard;
  const bool sends = flows_[end].retrying;  // retries are probes, too
  if (sends || (idle < kKeepAliveTime && unanswered == 0)) {
    return ProbeAfter(end, sends ? kKeepAliveTime : kKeepAliveTime - idle, 0);
  }
  if (unanswered == kKeepAliveProbes) return Fail(end, ETIMEDOUT);
  const Side& there = ends_[Other(end)];
  const auto way = Pass(end, 0);
  const auto back = way.has_value() && there.host->is_up()
                        ? Pass(Other(end), 0)
                        : std::optional<absl::Duration>();
  if (!back.has_value()) {
    return ProbeAfter(end, kKeepAliveInterval, unanswered + 1);
  }
  if (!IsThere(there) || there.gone || WasForgotten(there)) {
    wire().At(wire().Now() + *way + *back,
              [self = shared_from_this(), end] { self->OnReset(end); });
    return;
  }
  here.heard = wire().Now() + *way + *back;
  ProbeAfter(end, kKeepAliveTime, 0);
}

}  // namespace sluice

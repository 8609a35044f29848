#include "sluice/net/sim/sim_ports.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "sluice/base/check.h"

namespace sluice {
namespace {

// The time after which pairs on loopback are reused: tcp_tw_reuse.
constexpr absl::Duration kReusedOnLoopback = absl::Seconds(1);

}  // namespace

SimEndpoint::SimEndpoint(const SocketAddress& address)
    : port(address.port()), family(static_cast<uint16_t>(address.family())) {
  if (family == AF_INET) {
    low = ntohl(
        reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr.s_addr);
    return;
  }
  SLUICE_CHECK(family == AF_INET6);
  const auto* const ip = reinterpret_cast<const sockaddr_in6*>(address.data());
  scope = ip->sin6_scope_id;
  for (int i = 0; i < 8; ++i) {
    high = high << 8 | ip->sin6_addr.s6_addr[i];
    low = low << 8 | ip->sin6_addr.s6_addr[8 + i];
  }
}

bool SimEndpoint::IsLoopback() const {
  return family == AF_INET ? low >> 24 == 127 : high == 0 && low == 1;
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

void SimPorts::Clear() {
  uses_.clear();
  pairs_.clear();
  waits_.clear();
}

// ---------------------------------------------------------------------------
// Addresses
// ---------------------------------------------------------------------------

template <typename Blocks>
bool SimPorts::AnyOverlapping(const SimEndpoint& at, Blocks blocks) const {
  SimEndpoint first;
  first.port = at.port;
  first.family = at.family;
  for (auto it = uses_.lower_bound(first);
       it != uses_.end() && it->first.port == at.port &&
       it->first.family == at.family;
       ++it) {
    const bool overlaps = at.IsAny() || it->first.IsAny() || it->first == at;
    if (overlaps && blocks(it->second)) return true;
  }
  return false;
}

bool SimPorts::MayListen(const SimEndpoint& at, bool together) const {
  return !AnyOverlapping(at, [&](const Use& use) {
    // Connections that another listener has accepted are no conflict.
    return use.bound > 0 || use.connecting > 0 ||
           std::any_of(use.listeners.begin(), use.listeners.end(),
                       [&](const Listener& other) {
                         return !together || !other.together;
                       });
  });
}

bool SimPorts::MayBind(const SimEndpoint& at) const {
  return !AnyOverlapping(at, [](const Use&) { return true; });
}

bool SimPorts::IsClaimed(uint16_t port) const {
  SimEndpoint first;
  first.port = port;
  for (auto it = uses_.lower_bound(first);
       it != uses_.end() && it->first.port == port; ++it) {
    const Use& use = it->second;
    if (use.bound > 0 || use.accepting > 0 || !use.listeners.empty()) {
      return true;
    }
  }
  return false;
}

uint16_t SimPorts::NextPort() {
  const uint16_t port = next_port_;
  next_port_ = port == kLastPort ? kFirstPort : static_cast<uint16_t>(port + 1);
  return port;
}

uint16_t SimPorts::FreePort(const SocketAddress& address) {
  SimEndpoint at(address);
  for (int tries = 0; tries <= kLastPort - kFirstPort; ++tries) {
    at.port = NextPort();
    if (MayBind(at)) return at.port;
  }
  return 0;
}

void SimPorts::AddListener(const SimEndpoint& at, SimTcpListener* listener,
                           bool together) {
  uses_[at].listeners.push_back({listener, together});
}

void SimPorts::RemoveListener(const SimEndpoint& at, SimTcpListener* listener) {
  const auto use = uses_.find(at);
  SLUICE_CHECK(use != uses_.end());
  auto& listeners = use->second.listeners;
  listeners.erase(std::find_if(
      listeners.begin(), listeners.end(),
      [&](const Listener& other) { return other.listener == listener; }));
  RemoveIfUnused(use);
}

SimTcpListener* SimPorts::FindListener(const SimEndpoint& to,
                                       SimRandom* random) const {
  SimEndpoint any;
  any.port = to.port;
  any.family = to.family;
  for (const SimEndpoint& at : {to, any}) {
    const auto use = uses_.find(at);
    if (use == uses_.end() || use->second.listeners.empty()) continue;
    const auto& listeners = use->second.listeners;
    const size_t count = listeners.size();
    return listeners[count == 1 ? 0 : random->Below(count)].listener;
  }
  return nullptr;
}

void SimPorts::Unbind(const SimEndpoint& at) {
  const auto use = uses_.find(at);
  SLUICE_CHECK(use != uses_.end() && use->second.bound > 0);
  --use->second.bound;
  RemoveIfUnused(use);
}

void SimPorts::RemoveIfUnused(std::map<SimEndpoint, Use>::iterator use) {
  const Use& u = use->second;
  if (u.bound == 0 && u.connecting == 0 && u.accepting == 0 &&
      u.listeners.empty()) {
    uses_.erase(use);
  }
}

// ---------------------------------------------------------------------------
// Pairs
// ---------------------------------------------------------------------------

uint16_t SimPorts::FreePortTo(const SocketAddress& from, const SimEndpoint& to,
                              MonotonicTime now) {
  Pair pair(SimEndpoint(from), to);
  for (int tries = 0; tries <= kLastPort - kFirstPort; ++tries) {
    pair.first.port = NextPort();
    const auto holder = pairs_.find(pair);
    const bool free =
        holder == pairs_.end() ||
        (holder->second.connection == nullptr && to.IsLoopback() &&
         now - holder->second.since >= kReusedOnLoopback);
    if (free && !IsClaimed(pair.first.port)) return pair.first.port;
  }
  return 0;
}

void SimPorts::Add(const Pair& pair, By by, SimTcpConnection* connection) {
  if (const auto old = pairs_.find(pair); old != pairs_.end()) Erase(old);
  pairs_.emplace(pair, Holder{by, connection, connection, MonotonicTime()});
  Use& use = uses_[pair.first];
  ++(by == By::kConnecting ? use.connecting : use.accepting);
}

void SimPorts::Erase(std::map<Pair, Holder>::iterator holder) {
  const auto use = uses_.find(holder->first.first);
  SLUICE_CHECK(use != uses_.end());
  --(holder->second.by == By::kConnecting ? use->second.connecting
                                          : use->second.accepting);
  pairs_.erase(holder);
  RemoveIfUnused(use);
}

bool SimPorts::IsOf(const Pair& pair,
                    const SimTcpConnection* connection) const {
  const auto holder = pairs_.find(pair);
  return holder != pairs_.end() && holder->second.last == connection;
}

SimTcpConnection* SimPorts::Find(const Pair& pair) const {
  const auto holder = pairs_.find(pair);
  return holder == pairs_.end() ? nullptr : holder->second.connection;
}

void SimPorts::Remove(const Pair& pair, const SimTcpConnection* connection) {
  if (IsOf(pair, connection)) Erase(pairs_.find(pair));
}

void SimPorts::TimeWait(const Pair& pair, const SimTcpConnection* connection,
                        MonotonicTime now) {
  if (!IsOf(pair, connection)) return;
  if (waits_.size() >= kMaxTimeWaits) return Remove(pair, connection);
  Holder& holder = pairs_.find(pair)->second;
  holder.connection = nullptr;
  holder.since = now;
  waits_.emplace_back(now, pair);
}

void SimPorts::Expire(MonotonicTime now) {
  while (!waits_.empty() && now - waits_.front().first >= kTimeWait) {
    const auto [since, pair] = waits_.front();
    waits_.pop_front();
    const auto holder = pairs_.find(pair);
    // The pair may be in use again, or in a later TIME_WAIT.
    if (holder != pairs_.end() && holder->second.connection == nullptr &&
        holder->second.since == since) {
      Erase(holder);
    }
  }
}

}  // namespace sluice

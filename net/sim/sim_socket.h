#ifndef SLUICE_NET_SIM_SIM_SOCKET_H_
#define SLUICE_NET_SIM_SIM_SOCKET_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The object behind one descriptor of a simulated host: a listener or a stream
// (testonly). Its calls do what the calls of SocketApi do. Its owner, SimTcp,
// draws the faults that all calls have in common. Destroyed after Close().
// Thread-compatible.
class SimSocket {
 public:
  virtual ~SimSocket() = default;

  // Returns nullopt if SocketApi::Address() is to fail with ENOTCONN.
  virtual std::optional<SocketAddress> Address(SocketApi::End end) const = 0;

  // Returns 0 if a connection can be accepted now, EAGAIN if none waits, or
  // EINVAL if this is no listener. Resets waiting connections with the
  // probability SimFaults::aborted.
  virtual int AcceptError() { return EINVAL; }
  // Accepts the oldest waiting connection. Returns its socket, which gets the
  // descriptor of the first argument. Sets the second argument, unless it is
  // null, to the peer's address. REQUIRES: AcceptError() has returned 0.
  virtual std::unique_ptr<SimSocket> Accept(int, SocketAddress*) {
    SLUICE_CHECK(false);
  }

  // Returns the pending errno and clears it; 0 if there is none.
  virtual int TakeError() = 0;
  virtual IoResult Read(absl::Span<char> into) = 0;
  virtual IoResult UnreadBytes() = 0;
  virtual IoResult Write(absl::Span<const absl::string_view> pieces) = 0;
  virtual IoResult ShutdownWrite() = 0;
  virtual void SetOption(SocketApi::Option option, int value) = 0;
  // Called once, when the descriptor is closed.
  virtual void Close(CloseMode mode) = 0;
};

// Returns how many bytes one Write() takes from `pieces` at most.
inline size_t SizeOf(absl::Span<const absl::string_view> pieces) {
  size_t size = 0;
  for (const absl::string_view piece : pieces.subspan(
           0, std::min(pieces.size(), size_t{SocketApi::kMaxPieces}))) {
    size += piece.size();
  }
  return size;
}

// Returns the size of the buffer that Linux makes of the size `asked`,
// socket(7): twice as much, limited by the default values of wmem_max and
// rmem_max.
inline size_t BufferFor(int asked, int least) {
  constexpr int kMost = 212'992;
  return static_cast<size_t>(
      std::max(least, 2 * std::min(std::max(asked, 0), kMost)));
}
inline size_t SendBufferFor(int asked) { return BufferFor(asked, 4608); }
inline size_t ReceiveBufferFor(int asked) { return BufferFor(asked, 2304); }

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SOCKET_H_

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

// What is behind one descriptor of a simulated host (testonly): a listener or a
// stream. Its calls are those of SocketApi, without the faults that may meet
// all of them. Destroyed after Close(). Thread-compatible.
class SimSocket {
 public:
  virtual ~SimSocket() = default;

  // None: ENOTCONN.
  virtual std::optional<SocketAddress> Address(SocketApi::End end) const = 0;

  // Whether Accept() would find one: 0, EAGAIN, or EINVAL if it is no listener.
  virtual int AcceptError() { return EINVAL; }
  // The oldest that waits, which gets that descriptor. REQUIRES: there is one.
  virtual std::unique_ptr<SimSocket> Accept(int, SocketAddress*) {
    SLUICE_CHECK(false);
  }

  // The errno that is pending, which this clears; 0: none.
  virtual int TakeError() = 0;
  virtual IoResult Read(absl::Span<char> into) = 0;
  virtual IoResult UnreadBytes() = 0;
  virtual IoResult Write(absl::Span<const absl::string_view> pieces) = 0;
  virtual IoResult ShutdownWrite() = 0;
  virtual void SetOption(SocketApi::Option option, int value) = 0;
  // The descriptor is no more.
  virtual void Close(CloseMode mode) = 0;
};

// How many bytes one Write() is given.
inline size_t SizeOf(absl::Span<const absl::string_view> pieces) {
  size_t size = 0;
  for (const absl::string_view piece : pieces.subspan(
           0, std::min(pieces.size(), size_t{SocketApi::kMaxPieces}))) {
    size += piece.size();
  }
  return size;
}

// What Linux makes of a buffer that was asked for, socket(7): twice as much, at
// most of what wmem_max and rmem_max are as they come.
inline size_t BufferFor(int asked, int least) {
  constexpr int kMost = 212'992;
  return static_cast<size_t>(
      std::max(least, 2 * std::min(std::max(asked, 0), kMost)));
}
inline size_t SendBufferFor(int asked) { return BufferFor(asked, 4608); }
inline size_t ReceiveBufferFor(int asked) { return BufferFor(asked, 2304); }

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SOCKET_H_

#ifndef SLUICE_NET_TRANSPORT_TEST_PEER_H_
#define SLUICE_NET_TRANSPORT_TEST_PEER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The other end of a connection under test, moved by hand (testonly). It acts
// only inside its calls, and no call blocks. Thread-compatible.
class TestPeer {
 public:
  explicit TestPeer(Socket socket) : socket_(std::move(socket)) {}

  // Sends a prefix of `bytes` and returns its size. Returns 0 if the kernel
  // takes nothing or the connection is gone.
  size_t Send(absl::string_view bytes);
  // Receives at most `max` of the bytes that have arrived. Sets ended() at FIN,
  // and error() if the read fails.
  void Receive(size_t max = SIZE_MAX);
  // Half-closes. Does nothing if the connection is gone.
  void ShutdownWrite();
  // REQUIRES: no later call, except those that return what was received.
  void Close(CloseMode mode) { socket_.Close(mode); }

  const std::string& received() const { return received_; }
  uint64_t received_bytes() const { return received_bytes_; }
  // Frees the received bytes. received_bytes() still counts them.
  void ForgetReceived() { received_.clear(); }
  bool ended() const { return ended_; }  // FIN has come
  int error() const { return error_; }   // errno of a Receive()
  bool closed() const { return ended_ || error_ != 0; }
  SocketAddress Address(SocketApi::End end) const;

 private:
  Socket socket_;
  std::string received_;
  uint64_t received_bytes_ = 0;
  bool ended_ = false;
  int error_ = 0;
};

// Returns both ends of a new TCP connection on the loopback address: first the
// end that connected, then the accepted end.
// `buffer_bytes`, if not 0, limits the bytes that the kernel holds in each
// direction and at each end. Runs iterations of `loop`, which is of the same
// world as `api`, until the connection is made.
std::pair<Socket, Socket> NewSocketPair(EventLoop* loop, SocketApi* api,
                                        int buffer_bytes = 0);

// Returns bytes in which no two ranges are alike, so that a test sees missing
// and repeated bytes.
std::string TestPattern(size_t size);

// The buffers for NewSocketPair(), and a number of bytes that is larger than
// the kernel then holds, so that the sender must wait.
inline constexpr int kSmallBuffers = 256 * 1024;
inline constexpr size_t kManyBytes = 2 << 20;
// Returns kManyBytes of the pattern.
const std::string& ManyBytes();

// Runs iterations, each of which waits for 1 ms at most, until `done` returns
// true. Returns false after 30,000 iterations. Calls `done` first.
bool RunUntil(EventLoop* loop, absl::FunctionRef<bool()> done);

// Runs that many iterations without waits. For checking that something does not
// happen.
void RunIterations(EventLoop* loop, int iterations = 20);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TEST_PEER_H_

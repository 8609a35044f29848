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

// The other end of a connection under test (testonly), moved by hand: nothing
// happens on it but what a call says, and no call blocks. Thread-compatible.
class TestPeer {
 public:
  explicit TestPeer(Socket socket) : socket_(std::move(socket)) {}

  // How many bytes of the front were taken: 0 too when the connection is gone.
  size_t Send(absl::string_view bytes);
  // Takes at most `max` of the bytes that are there.
  void Receive(size_t max = SIZE_MAX);
  // Nothing when the connection is gone.
  void ShutdownWrite();
  // REQUIRES: no other call follows, save those that ask what was received.
  void Close(CloseMode mode) { socket_.Close(mode); }

  const std::string& received() const { return received_; }
  uint64_t received_bytes() const { return received_bytes_; }
  // Forgets the bytes, not their number.
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

// Both ends of a new TCP connection on the loopback address. `buffer_bytes`, if
// not 0, bounds what the kernel holds in each direction and at each end. Takes
// turns of `loop`, of the same world as `api`, until the connection is made.
std::pair<Socket, Socket> NewSocketPair(EventLoop* loop, SocketApi* api,
                                        int buffer_bytes = 0);

// Bytes of which no two stretches are alike, so that what is lost or comes
// twice is seen.
std::string TestPattern(size_t size);

// For NewSocketPair(), and more bytes than the kernel then holds, so that who
// sends them must wait.
inline constexpr int kSmallBuffers = 256 * 1024;
inline constexpr size_t kManyBytes = 2 << 20;
// kManyBytes of the pattern.
const std::string& ManyBytes();

// Takes turns, each of which waits for a millisecond at most, until `done`
// says so: false if it did not for 30 000 turns. `done` is asked first.
bool RunUntil(EventLoop* loop, absl::FunctionRef<bool()> done);

// So many turns that do not wait: for what must not happen.
void RunIterations(EventLoop* loop, int turns = 20);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TEST_PEER_H_

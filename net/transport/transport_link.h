#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_LINK_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_LINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"
#include "sluice/net/transport/transport_peer_codec.h"

namespace sluice {

// A connection whose one end is a transport under test and whose other end a
// test moves by hand (testonly), for transport_conformance.

// The world of the transport under test. Thread-compatible.
class TransportWorld {
 public:
  virtual ~TransportWorld() = default;
  // Returns a platform that has TCP on 127.0.0.1 and creates the transports
  // under test.
  virtual const Platform& platform() const = 0;
  // Returns the other end of a new transport.
  virtual std::unique_ptr<TransportPeerCodec> NewPeerCodec() const {
    return NewPlainPeerCodec();
  }
};

// Compares two strings; does not print megabytes if they differ.
::testing::AssertionResult SameBytes(absl::string_view actual,
                                     absl::string_view expected);

// Records its calls, and fails if they are out of order. Its hooks are called
// last; each may destroy it. Thread-compatible.
class TransportRecorder final : public Transport::Sink {
 public:
  using Hook = std::function<void()>;

  // `in_call` is true while a call on the transport is under way.
  explicit TransportRecorder(const bool* in_call) : in_call_(in_call) {}

  // If not empty, OnInput() may show bytes that the transport has put here.
  std::string input_buffer;

  Hook on_open;
  Hook on_input;
  Hook on_input_end;
  Hook on_sent;
  Hook on_error;

  int opens = 0;
  std::string input;
  int inputs = 0;
  int input_ends = 0;
  uint64_t sent = 0;
  int errors = 0;
  absl::Status error;
  CloseReason reason = CloseReason::kNormal;
  bool closed = false;  // set by the code that closes the transport

 private:
  void OnOpen() override;
  absl::Span<char> InputBuffer() override {
    return absl::MakeSpan(input_buffer);
  }
  void OnInput(absl::string_view bytes) override;
  void OnInputEnd() override;
  void OnSent(uint64_t bytes) override;
  void OnError(absl::Status status, CloseReason why) override;

  void CheckAndCall(const Hook& hook);

  const bool* const in_call_;
};

// The other end: a socket and a codec. All bytes are plain bytes. Acts only
// inside its calls, and no call blocks. Thread-compatible.
class TransportPeer {
 public:
  TransportPeer(Socket socket, std::unique_ptr<TransportPeerCodec> codec)
      : socket_(std::move(socket)), codec_(std::move(codec)) {}

  // Sends a prefix of `bytes` and returns its size. The last bytes of the
  // prefix may wait for a later call of Send() or Pump().
  size_t Send(absl::string_view bytes);
  // Sends what waits; receives if the handshake is not complete.
  void Pump();
  // Receives at most `max` bytes of the wire.
  void Receive(size_t max = SIZE_MAX);
  // Half-closes, after what waits: sends the end mark and FIN.
  void ShutdownWrite();
  // kGraceful sends the end mark first, if there is room for it. REQUIRES: no
  // later call, except those that return what was received.
  void Close(CloseMode mode);

  bool open() const { return codec_->open(); }
  bool waits() const { return !wire_.empty() || (shutdown_ && !fin_sent_); }
  const std::string& received() const { return received_; }
  bool closed() const { return socket_.closed(); }  // FIN or an error has come
  bool ended() const { return socket_.ended(); }    // FIN has come
  // FIN has come, and the end mark before it.
  bool ended_with_mark() const { return ended() && codec_->may_end(); }
  int error() const { return socket_.error(); }  // errno of a Receive()
  SocketAddress Address(SocketApi::End end) const {
    return socket_.Address(end);
  }

 private:
  TestPeer socket_;
  const std::unique_ptr<TransportPeerCodec> codec_;
  std::string wire_;  // to be sent
  std::string received_;
  bool shutdown_ = false;
  bool fin_sent_ = false;
  bool closed_here_ = false;
};

// A transport under test, its sink, and the other end. Thread-compatible.
class TransportLink {
 public:
  // `buffer_bytes`: see NewSocketPair().
  TransportLink(const TransportWorld& world, EventLoop* loop,
                int buffer_bytes = 0)
      : TransportLink(
            world, loop,
            NewSocketPair(loop, world.platform().sockets, buffer_bytes)) {}
  // Closes the transport first if it is open.
  ~TransportLink() {
    if (transport_ != nullptr) Destroy();
  }

  // The calls on the transport. Destroy() is the deleter of TransportPtr.
  void Start();
  void SetReading(bool on);
  size_t TrySend(absl::Span<const absl::string_view> pieces);
  void Flush(OutputQueue* output);
  void ShutdownWrite();
  bool HasUnreadInput() const { return transport_->HasUnreadInput(); }
  void Close(CloseMode mode);
  void Destroy();
  absl::StatusOr<SocketAddress> Address(SocketApi::End end) const {
    return transport_->Address(end);
  }

  // Starts, and runs iterations until OnOpen() was called and the other end has
  // completed the handshake.
  void Open();
  void OpenAndRead();

  // Runs iterations until `done`, and pumps the other end between them while
  // the transport is started and not closed.
  bool Until(absl::FunctionRef<bool()> done);
  // Runs iterations until the other end has received FIN or an error.
  bool UntilPeerIsClosed();
  // Sends from the other end, and runs iterations while that must wait.
  bool PeerSends(absl::string_view bytes);

  TransportPeer peer;
  std::unique_ptr<TransportRecorder> sink;

 private:
  TransportLink(const TransportWorld& world, EventLoop* loop,
                std::pair<Socket, Socket> ends);

  void Call(absl::FunctionRef<void()> call);

  EventLoop* const loop_;
  bool in_call_ = false;
  bool started_ = false;
  TransportPtr transport_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_LINK_H_

#ifndef SLUICE_NET_TCP_TCP_CONNECTION_TEST_BASE_H_
#define SLUICE_NET_TCP_TCP_CONNECTION_TEST_BASE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/open_descriptors.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/gated_sockets.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/transport/deferred_transport.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"
#include "sluice/timer/sim_clock.h"

// The base of the tests of TcpConnection (testonly): a handler that checks the
// order of its calls, a connection with its peer, and a fixture that counts
// descriptors. Each test instantiates its suite over both transports.
namespace sluice {

inline constexpr auto kOk = Stream::WriteResult::kOk;
inline constexpr auto kFull = Stream::WriteResult::kFull;
inline constexpr auto kEnded = Stream::WriteResult::kEnded;

enum class Callback {
  kOpen,
  kInput,
  kBufferFull,
  kInputEnd,
  kOutputWritable,
  kTimeout,
  kDraining,
  kClosed,
};
inline constexpr std::array kAllCallbacks = {
    Callback::kOpen,     Callback::kInput,          Callback::kBufferFull,
    Callback::kInputEnd, Callback::kOutputWritable, Callback::kTimeout,
    Callback::kDraining, Callback::kClosed};

// Records its calls, consumes all input unless on_input is set, and fails if
// the calls are out of order. A hook replaces the default of StreamHandler, and
// may destroy the stream.
class TestHandler final : public StreamHandler {
 public:
  std::function<void(Stream&)> on_open;
  std::function<size_t(Stream&, absl::string_view)> on_input;
  std::function<void(Stream&)> on_buffer_full;
  std::function<void(Stream&)> on_input_end;
  std::function<void(Stream&)> on_writable;
  std::function<void(Stream&)> on_timeout;
  std::function<void(Stream&)> on_draining;
  std::function<void(Stream&)> on_closed;
  // Called before the hook of the same call. If it returns false, that hook is
  // not called.
  std::function<bool(Callback, Stream&)> on_any;

  std::vector<std::string> offered;  // the input of each OnInput()
  std::string input;                 // the consumed input
  absl::Status why;
  CloseReason reason = CloseReason::kNormal;
  bool forbidden = false;  // calls are failures

  int count(Callback callback) const {
    return counts_[static_cast<size_t>(callback)];
  }
  bool closed() const { return count(Callback::kClosed) > 0; }

  void OnOpen(Stream& stream) override {
    if (!Note(Callback::kOpen, stream)) return;
    on_open ? on_open(stream) : StreamHandler::OnOpen(stream);
  }
  size_t OnInput(Stream& stream, absl::string_view bytes) override {
    EXPECT_FALSE(bytes.empty());
    // After the end of input, only the unconsumed rest is offered again.
    EXPECT_TRUE(count(Callback::kInputEnd) == 0 || bytes.size() == rest_);
    if (keep_offered) offered.emplace_back(bytes);
    if (!Note(Callback::kInput, stream)) return 0;
    const size_t consumed = on_input ? on_input(stream, bytes) : bytes.size();
    if (keep_input) input.append(bytes.data(), consumed);
    rest_ = bytes.size() - consumed;
    return consumed;
  }
  void OnBufferFull(Stream& stream) override {
    if (!Note(Callback::kBufferFull, stream)) return;
    on_buffer_full ? on_buffer_full(stream)
                   : StreamHandler::OnBufferFull(stream);
  }
  void OnInputEnd(Stream& stream) override {
    if (!Note(Callback::kInputEnd, stream)) return;
    EXPECT_EQ(count(Callback::kInputEnd), 1);
    on_input_end ? on_input_end(stream) : StreamHandler::OnInputEnd(stream);
  }
  void OnWritable(Stream& stream) override {
    if (!Note(Callback::kOutputWritable, stream)) return;
    on_writable ? on_writable(stream) : StreamHandler::OnWritable(stream);
  }
  void OnTimeout(Stream& stream) override {
    if (!Note(Callback::kTimeout, stream)) return;
    on_timeout ? on_timeout(stream) : StreamHandler::OnTimeout(stream);
  }
  void OnDraining(Stream& stream) override {
    EXPECT_EQ(count(Callback::kDraining), 0);
    if (!Note(Callback::kDraining, stream)) return;
    on_draining ? on_draining(stream) : StreamHandler::OnDraining(stream);
  }
  void OnClosed(Stream& stream, absl::Status status,
                CloseReason closed_for) override {
    EXPECT_EQ(status.ok(), closed_for == CloseReason::kNormal) << status;
    why = status;
    reason = closed_for;
    if (!Note(Callback::kClosed, stream)) return;
    on_closed ? on_closed(stream)
              : StreamHandler::OnClosed(stream, std::move(status), closed_for);
  }

  bool keep_offered = true;
  bool keep_input = true;

 private:
  // Returns false if the stream may be gone.
  bool Note(Callback callback, Stream& stream) {
    EXPECT_FALSE(forbidden) << static_cast<int>(callback);
    EXPECT_FALSE(closed()) << static_cast<int>(callback);
    if (callback == Callback::kOpen) {
      EXPECT_EQ(count(callback), 0);
    } else if (callback != Callback::kClosed &&
               callback != Callback::kTimeout) {
      EXPECT_EQ(count(Callback::kOpen), 1) << static_cast<int>(callback);
    }
    ++counts_[static_cast<size_t>(callback)];
    return !on_any || on_any(callback, stream);
  }

  std::array<int, kAllCallbacks.size()> counts_{};
  size_t rest_ = 0;
};

struct TransportKind {
  friend std::ostream& operator<<(std::ostream& os, const TransportKind& kind) {
    return os << kind.name;
  }
  const char* name;
  TransportPtr (*make)(EventLoop*, Socket);
};

// A connection and its peer.
struct Link {
  explicit Link(EventLoop* its_loop, Socket socket)
      : loop(its_loop), peer(std::move(socket)) {}
  ~Link() {
    connection.reset();
    // The objects that the connection leaves behind must not touch the handler.
    handler.forbidden = true;
    if (loop != nullptr) sluice::RunIterations(loop, 5);
  }

  bool Until(absl::FunctionRef<bool()> done) { return RunUntil(loop, done); }
  void Open() { ASSERT_TRUE(UntilOpen()); }
  bool UntilOpen() {
    return Until([&] { return handler.count(Callback::kOpen) == 1; });
  }
  bool UntilClosed() {
    return Until([&] { return handler.closed(); });
  }
  bool UntilPeerIsClosed() {
    return Until([&] {
      peer.Receive();
      return peer.closed();
    });
  }
  bool PeerSends(absl::string_view bytes) {
    return Until([&] {
      bytes.remove_prefix(peer.Send(bytes));
      return bytes.empty();
    });
  }

  EventLoop* loop;  // null: the loop is gone
  TestPeer peer;
  TestHandler handler;
  std::unique_ptr<ConnectionContext> context;
  std::unique_ptr<TcpConnection> connection;
};

class TcpConnectionTest : public ::testing::TestWithParam<TransportKind> {
 protected:
  TcpConnectionTest() : descriptors_(OpenDescriptors().value()) { NewLoop(); }
  // Runs at the end of every test.
  ~TcpConnectionTest() override {
    loop_.reset();
    EXPECT_EQ(OpenDescriptors().value(), descriptors_)
        << "descriptors are left open";
  }

  // Replaces the loop.
  void NewLoop() {
    loop_.reset();
    EventLoop::Options options;
    options.poller = *EpollPoller::Create();
    options.clock = &clock_;
    loop_ = *EventLoop::Create(std::move(options));
  }

  // Returns a connection that has not opened yet.
  std::unique_ptr<Link> Connect(const ConnectionOptions& options = {},
                                int buffer_bytes = 0,
                                ConnectionOwner* owner = nullptr) {
    auto [first, second] =
        NewSocketPair(loop_.get(), KernelSockets(), buffer_bytes);
    auto link = std::make_unique<Link>(loop_.get(), std::move(first));
    link->context =
        std::make_unique<ConnectionContext>(loop_.get(), options, owner);
    link->connection = std::make_unique<TcpConnection>(
        link->context.get(),
        GetParam().make(loop_.get(), Socket(&sockets_, second.Release())),
        &link->handler, /*tag=*/7);
    return link;
  }
  std::unique_ptr<Link> ConnectAndOpen(const ConnectionOptions& options = {},
                                       int buffer_bytes = 0) {
    auto link = Connect(options, buffer_bytes);
    EXPECT_TRUE(link->UntilOpen());
    return link;
  }

  void RunIterations(int iterations = 20) {
    sluice::RunIterations(loop_.get(), iterations);
  }
  // Lets time pass in steps, with iterations at each, until `done` returns
  // true. Returns the time that passed.
  absl::Duration AdvanceUntil(absl::FunctionRef<bool()> done,
                              absl::Duration step, absl::Duration limit) {
    absl::Duration passed;
    while (!done() && passed < limit) {
      clock_.Advance(step);
      passed += step;
      RunIterations(3);
    }
    return passed;
  }

  const std::vector<int> descriptors_;
  SimClock clock_;
  GatedSockets sockets_;  // of the connections, not of their peers
  std::unique_ptr<EventLoop> loop_;
};

// For INSTANTIATE_TEST_SUITE_P().
inline auto TransportKinds() {
  return ::testing::Values(TransportKind{"socket", NewSocketTransport},
                           TransportKind{"deferred", NewDeferredTransport});
}

inline absl::Status Why() { return absl::AbortedError("for the test"); }

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_CONNECTION_TEST_BASE_H_

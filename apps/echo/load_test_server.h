#ifndef SLUICE_APPS_ECHO_LOAD_TEST_SERVER_H_
#define SLUICE_APPS_ECHO_LOAD_TEST_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {

// A server for clients under test, and the loop that it shares with them
// (testonly). It echoes, or does what the test says instead. The sockets are
// the kernel's; time passes only when the test advances it, so that timeouts
// take none and latencies are known. Thread-compatible.
class LoadTestServer {
 public:
  // Listens on a free port of the loopback address.
  explicit LoadTestServer(EventLoop::Options options = {});
  ~LoadTestServer();
  LoadTestServer(const LoadTestServer&) = delete;
  LoadTestServer& operator=(const LoadTestServer&) = delete;

  const Platform* platform() const { return &platform_; }
  EventLoop* loop() { return loop_.get(); }
  SocketAddress address() const { return server_->address(); }

  // In place of the echo: `input` is what came from byte `offset` on. All of it
  // is consumed.
  std::function<void(Stream& stream, absl::string_view input, uint64_t offset)>
      on_input;
  // In place of a FIN in answer to FIN.
  std::function<void(Stream& stream)> on_input_end;

  // Holds input back, in the kernel, until Release().
  void Stall();
  void Release();

  // Of each connection that was accepted.
  const std::vector<SocketAddress>& peers() const { return peers_; }
  const std::vector<uint64_t>& received() const { return received_; }  // bytes

  void Advance(absl::Duration duration) { clock_.Advance(duration); }
  // Takes turns until `done`; false if it never is.
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done);
  // Takes turns that wait for nothing, enough for what must not happen.
  void RunIterations();

 private:
  class Handler;

  SimClock clock_;
  Platform platform_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<SocketAddress> peers_;
  std::vector<uint64_t> received_;
  std::vector<Stream*> streams_;  // null once they have ended
  bool stalled_ = false;
  std::unique_ptr<TcpServer> server_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_LOAD_TEST_SERVER_H_

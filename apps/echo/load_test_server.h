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

// A server for clients under test, with a loop that server and clients share
// (testonly). Echoes, or calls the callables of the test instead. The sockets
// are the kernel's, but time passes only when the test advances it. So timeouts
// take no time, and latencies are known. Thread-compatible.
class LoadTestServer {
 public:
  // Listens on a free port of 127.0.0.1. Ends the process if it cannot.
  // `options` are those of the loop.
  explicit LoadTestServer(EventLoop::Options options = {});
  ~LoadTestServer();
  LoadTestServer(const LoadTestServer&) = delete;
  LoadTestServer& operator=(const LoadTestServer&) = delete;

  const Platform* platform() const { return &platform_; }
  EventLoop* loop() { return loop_.get(); }
  SocketAddress address() const { return server_->address(); }

  // Called in place of the echo. `input` starts at byte `offset` of all input,
  // and all of it is consumed.
  std::function<void(Stream& stream, absl::string_view input, uint64_t offset)>
      on_input;
  // Called in place of the FIN that answers the client's FIN.
  std::function<void(Stream& stream)> on_input_end;

  // Stops reading until Release(). Input waits in the kernel.
  void Stall();
  void Release();

  // One entry for each accepted connection.
  const std::vector<SocketAddress>& peers() const { return peers_; }
  const std::vector<uint64_t>& received() const { return received_; }  // bytes

  void Advance(absl::Duration duration) { clock_.Advance(duration); }
  // Runs loop iterations, which wait 1 ms at most, until `done` returns true.
  // Returns false after 30,000 iterations, or if an iteration fails.
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done);
  // Runs 20 loop iterations that do not wait, before a test checks that
  // something has not happened.
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

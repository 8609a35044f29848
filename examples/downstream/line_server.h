#ifndef DOWNSTREAM_LINE_SERVER_H_
#define DOWNSTREAM_LINE_SERVER_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/platform.h"

namespace downstream {

// A server that answers each line with its length. `platform` selects the
// network: line_server_main.cc uses the kernel, and line_server_test.cc a
// simulated network.
class LineServer {
 public:
  // Starts a server. `platform` and `loop` outlive the server.
  static absl::StatusOr<LineServer> Start(const sluice::Platform* platform,
                                          sluice::EventLoop* loop,
                                          const sluice::SocketAddress& address);

  const sluice::SocketAddress& address() const { return server_->address(); }

 private:
  explicit LineServer(std::unique_ptr<sluice::TcpServer> server)
      : server_(std::move(server)) {}

  std::unique_ptr<sluice::TcpServer> server_;
};

}  // namespace downstream

#endif  // DOWNSTREAM_LINE_SERVER_H_

// The echo server (RFC 862): sends back what clients send.

#include "sluice/apps/common/server_app.h"
#include "sluice/apps/echo/logged_echo_handler.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_server.h"

int main(int argc, char* argv[]) {
  sluice::ServerApp app(
      {.program = "sluice echo server",
       .summary = "sends back what clients send",
       .thread_name = "echo",
       .connection = {.high_water = 64 * 1024, .low_water = 16 * 1024}});
  return app.Main(argc, argv, [](const sluice::ServerApp::Context& context) {
    return [logger = context.logger](const sluice::SocketAddress& peer) {
      return sluice::LoggedEchoHandler::New(logger, peer);
    };
  });
}

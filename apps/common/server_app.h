#ifndef SLUICE_APPS_COMMON_SERVER_APP_H_
#define SLUICE_APPS_COMMON_SERVER_APP_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/apps/common/server_flags.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/platform.h"

namespace sluice {

// A server program except for its protocol: flags, limit on descriptors,
// threads, log, signals, drain, and a report at the end. An app gives it a name
// and a factory for the handlers of connections, and is then a main() of a few
// lines:
//
//   int main(int argc, char* argv[]) {
//     sluice::ServerApp app({.program = "sluice echo server",
//                            .summary = "sends back what clients send",
//                            .thread_name = "echo"});
//     return app.Main(argc, argv, [](const sluice::ServerApp::Context&) {
//       return [](const sluice::SocketAddress& peer) { ... };
//     });
//   }
//
// One object in a process. Thread-compatible.
class ServerApp {
 public:
  struct Options {
    std::string program;      // the name, in --help and before each message
    std::string summary;      // the purpose, a verb phrase for --help
    std::string thread_name;  // of threads: "echo" for "echo/0", "echo/1"
    // Buffer sizes and the like. --idle_timeout sets `idle_timeout`.
    ConnectionOptions connection = {};
    // Defaults of the flags.
    ServerFlags flags = {};
  };

  // The objects that the app's handlers may use. All outlive the handlers.
  struct Context {
    const Platform* platform;
    absl::Span<EventLoop* const> loops;  // loops that do not run yet
    AsyncLogger* logger;                 // nullptr: the log is off
  };
  // Makes the factory for the handlers of connections. Main() calls it once, on
  // its own thread, after the flags are checked and before the server listens.
  // The Context itself is valid during the call only. If the call returns an
  // error, Main() prints it and returns 2 for kInvalidArgument, which should
  // name one of the app's own flags, and 1 for others.
  using MakeNewHandler =
      absl::AnyInvocable<absl::StatusOr<TcpServer::NewHandler>(const Context&)>;

  explicit ServerApp(Options options);
  ServerApp(const ServerApp&) = delete;
  ServerApp& operator=(const ServerApp&) = delete;

  // Returns the command line, to which the app adds its own flags before
  // Main(). --help lists them after the flags of every server.
  CommandLine* command_line() { return &line_; }

  // Runs the whole program. Raises RLIMIT_NOFILE as far as the kernel allows.
  // Prints "listening on ADDRESS" on stdout once the server accepts
  // connections; gives up if nobody takes the line within 5 seconds. Serves
  // until SIGTERM or SIGINT, then drains, for at most --drain_timeout; a
  // second signal ends the process at once. Ignores SIGPIPE. Ignores SIGHUP,
  // unless the log is a file: SIGHUP then reopens the file. Prints the numbers
  // of connections and bytes on stderr at the end. Returns the exit code: 0; 1
  // if the server could not serve or its output could not be written; 2 for a
  // usage error.
  // REQUIRES: called once, by main(), before the program opens a descriptor.
  int Main(int argc, char* argv[], MakeNewHandler make_new_handler);

 private:
  int Run(int argc, char* argv[], MakeNewHandler make_new_handler);

  Options options_;
  CommandLine line_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_SERVER_APP_H_

#ifndef SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sluice/tests/support/process.h"

namespace sluice {

// //apps/echo:server while it serves (testonly). Killed when this is destroyed.
// Thread-compatible.
class EchoServerProcess {
 public:
  // Waits until it has said where it listens: on a free port of 127.0.0.1, if
  // `options` has no --listen of its own.
  static absl::StatusOr<std::unique_ptr<EchoServerProcess>> Start(
      Process::Options options);
  static absl::StatusOr<std::unique_ptr<EchoServerProcess>> Start() {
    return Start({});
  }

  // As SocketAddress::Parse() takes it.
  const std::string& address() const { return address_; }
  Process& process() { return *process_; }

  // What the last line on standard error says.
  struct Summary {
    uint64_t connections = 0;
    uint64_t bytes = 0;
    double seconds = 0;
    uint64_t forced = 0;
  };
  // Sends `signal` and waits for the end, which must be exit 0 with a summary.
  absl::StatusOr<Summary> Drain(int signal);
  // The second half of it.
  absl::StatusOr<Summary> WaitDrained();

 private:
  EchoServerProcess(std::unique_ptr<Process> process, std::string address);

  const std::unique_ptr<Process> process_;
  const std::string address_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_

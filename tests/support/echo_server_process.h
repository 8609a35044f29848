#ifndef SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sluice/tests/support/process.h"

namespace sluice {

// A process of //apps/echo:server that serves (testonly). The destructor kills
// the process. Thread-compatible.
class EchoServerProcess {
 public:
  // Starts the server, and waits until it has printed its address. The server
  // listens on a free port of 127.0.0.1 unless `options` has a --listen.
  // Returns the errors of Process::Start(), those of Process::ReadLine() with a
  // timeout of 30 s, or kDataLoss if the first line is not an address.
  static absl::StatusOr<std::unique_ptr<EchoServerProcess>> Start(
      Process::Options options);
  static absl::StatusOr<std::unique_ptr<EchoServerProcess>> Start() {
    return Start({});
  }

  // Returns the address in the form that SocketAddress::Parse() takes.
  const std::string& address() const { return address_; }
  Process& process() { return *process_; }

  // The numbers in the last line on standard error.
  struct Summary {
    uint64_t connections = 0;  // served
    uint64_t bytes = 0;        // echoed
    double seconds = 0;        // since the start of the server
    uint64_t forced = 0;       // connections that the drain closed by force
  };
  // Sends `signal`, and waits at most 30 s for the end of the process. Returns
  // the errors of Process::Signal() and Process::Wait(), or kDataLoss if the
  // exit code is not 0 or the summary is missing. Call only one of Drain() and
  // WaitDrained(), and only once.
  absl::StatusOr<Summary> Drain(int signal);
  // Waits for the end as Drain() does, but sends no signal.
  absl::StatusOr<Summary> WaitDrained();

 private:
  EchoServerProcess(std::unique_ptr<Process> process, std::string address);

  const std::unique_ptr<Process> process_;
  const std::string address_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_ECHO_SERVER_PROCESS_H_

// Counts the instructions that a server executes in user space for a message
// that it echoes, under valgrind's callgrind. No other load on the machine
// disturbs this figure. Prints a Markdown table.
//
// A case has a number of connections, and a number of connections that have a
// message in flight at once. The other connections are open and idle. Each
// connection sends in its turn. Each server runs twice, with few messages and
// with many: the difference is the cost of the messages, without the cost of
// starting, accepting and closing.

#include <signal.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

// Under valgrind, a server takes about fifty times as long.
constexpr absl::Duration kPatience = absl::Minutes(5);
constexpr int64_t kOwnDescriptors = 100;

struct Options {
  int64_t messages = 100'000;
  int64_t message_size = 64;
  std::vector<std::string> server_flags;
};

struct Case {
  int64_t connections;
  int64_t in_flight;
};
constexpr Case kCases[] = {{1, 1}, {10'000, 1}, {100, 100}};

CommandLine MakeCommandLine(Options* options) {
  CommandLine line("sluice echo instructions",
                   "counts instructions per echoed message, under callgrind");
  line.AddInt("messages", "by how many messages two runs differ", 1,
              &options->messages);
  line.AddInt("message_size", "bytes of a message", 1, &options->message_size);
  line.AddList("server_flags", "FLAG,FLAG,...",
               "what the sluice server is started with",
               &options->server_flags);
  return line;
}

// Connects `count` clients, one after the other, and echoes one message with
// each. If clients connected at the same time, the number of connections that
// the server accepts in one loop iteration would differ from run to run.
absl::StatusOr<std::vector<ClientSocket>> Connect(absl::string_view address,
                                                  int64_t count) {
  std::vector<ClientSocket> clients;
  for (int64_t i = 0; i < count; ++i) {
    auto client = ClientSocket::Connect(address);
    if (!client.ok()) return client.status();
    const absl::Status echoed = client->Echo("x");
    if (!echoed.ok()) return echoed;
    clients.push_back(*std::move(client));
  }
  return clients;
}

// Exchanges `messages` messages in all. The clients send in turn.
absl::Status Exchange(std::vector<ClientSocket>& clients, int64_t in_flight,
                      int64_t messages, const std::string& message) {
  size_t next_to_send = 0;
  size_t next_to_receive = 0;
  for (int64_t done = 0; done < messages; done += in_flight) {
    for (int64_t i = 0; i < in_flight; ++i) {
      const absl::Status sent =
          clients[next_to_send++ % clients.size()].Send(message);
      if (!sent.ok()) return sent;
    }
    for (int64_t i = 0; i < in_flight; ++i) {
      const absl::StatusOr<std::string> received =
          clients[next_to_receive++ % clients.size()].Receive(message.size());
      if (!received.ok()) return received.status();
    }
  }
  return absl::OkStatus();
}

// Returns the number in the last line that callgrind prints:
// "==PID== Collected : INSTRUCTIONS".
absl::StatusOr<int64_t> ParseCollected(const std::string& error) {
  for (const absl::string_view line : absl::StrSplit(error, '\n')) {
    int64_t count = 0;
    if (std::sscanf(std::string(line).c_str(), "==%*d== Collected : %" SCNd64,
                    &count) == 1) {
      return count;
    }
  }
  return absl::DataLossError(absl::StrCat("callgrind says: ", error));
}

// Returns the number of instructions in a whole run of `program`.
absl::StatusOr<int64_t> CountRun(const std::string& program,
                                 const std::vector<std::string>& flags,
                                 const Case& c, int64_t messages,
                                 const std::string& message) {
  std::vector<std::string> arguments = {"valgrind", "--tool=callgrind",
                                        "--callgrind-out-file=/dev/null",
                                        program, "--listen=127.0.0.1:0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  // env(1) looks for valgrind along PATH.
  auto server =
      Process::Start("/usr/bin/env", {.arguments = std::move(arguments)});
  if (!server.ok()) return server.status();
  const absl::StatusOr<std::string> line = (*server)->ReadLine(kPatience);
  if (!line.ok()) {
    const auto ended = (*server)->Wait(kPatience);
    return absl::FailedPreconditionError(absl::StrCat(
        "valgrind, which has to be installed, with ", program, ": ",
        ended.ok() ? ended->error : line.status().ToString()));
  }
  auto clients =
      Connect(absl::StripPrefix(*line, "listening on "), c.connections);
  if (!clients.ok()) return clients.status();
  const absl::Status exchanged =
      Exchange(*clients, c.in_flight, messages, message);
  if (!exchanged.ok()) return exchanged;
  clients->clear();
  const absl::Status asked = (*server)->Signal(SIGTERM);
  if (!asked.ok()) return asked;
  const absl::StatusOr<Process::Ended> ended = (*server)->Wait(kPatience);
  if (!ended.ok()) return ended.status();
  return ParseCollected(ended->error);
}

absl::StatusOr<double> CountPerMessage(const std::string& program,
                                       const std::vector<std::string>& flags,
                                       const Case& c, const Options& options) {
  const std::string message(options.message_size, 'x');
  int64_t counts[2];
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<int64_t> count =
        CountRun(program, flags, c, (i + 1) * options.messages, message);
    if (!count.ok()) return count.status();
    counts[i] = *count;
  }
  return static_cast<double>(counts[1] - counts[0]) /
         static_cast<double>(options.messages);
}

absl::Status Run(const Options& options) {
#ifndef NDEBUG
  std::fprintf(stderr, "This build is not optimized: bazel run -c opt is.\n");
#endif
  const int64_t limit = RaiseOwnDescriptorLimit();
  std::printf(
      "compiler %s; messages of %lld B\n\n"
      "| connections | in flight | limit | sluice |\n|--:|--:|--:|--:|\n",
      __VERSION__, static_cast<long long>(options.message_size));
  for (const Case& c : kCases) {
    if (c.connections + kOwnDescriptors > limit) {
      return absl::ResourceExhaustedError(absl::StrCat(
          c.connections, " connections: the limit on descriptors is ", limit));
    }
    if (isatty(STDERR_FILENO) != 0) {
      std::fprintf(stderr, "\r%lld connections\x1b[K\r",
                   static_cast<long long>(c.connections));
    }
    const auto least = CountPerMessage("bench/echo_limit", {}, c, options);
    if (!least.ok()) return least.status();
    const auto ours =
        CountPerMessage("apps/echo/server", options.server_flags, c, options);
    if (!ours.ok()) return ours.status();
    std::printf("| %lld | %lld | %.1f | %.1f |\n",
                static_cast<long long>(c.connections),
                static_cast<long long>(c.in_flight), *least, *ours);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

int EchoInstructionsMain(int argc, char* argv[]) {
  Options options;
  CommandLine line = MakeCommandLine(&options);
  const absl::StatusOr<CommandLine::Next> next = line.Parse(argc, argv);
  if (!next.ok()) return line.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::Status status = Run(options);
  return status.ok() ? 0 : line.Fail(status);
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput("sluice echo instructions",
                                      sluice::EchoInstructionsMain(argc, argv));
}

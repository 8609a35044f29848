// Compares //apps/echo:server with //bench:echo_limit under the same load, and
// prints a Markdown table. The servers have CPU 0, the client has CPU 1; all
// servers run all the time, one of them is loaded at a time, and rounds go
// through them forth and back. The limit is there twice: what the second one
// differs from the first by is noise.

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "sluice/bench/echo_report.h"
#include "sluice/tests/process.h"

ABSL_FLAG(int, rounds, 7, "how often each server is measured in each case");
ABSL_FLAG(std::vector<std::string>, connections,
          std::vector<std::string>({"100", "1000"}),
          "how many connections: a case each");
ABSL_FLAG(int, message_size, 64, "bytes of a message");
ABSL_FLAG(int, pipeline, 1, "messages in flight on one connection");
// As text: g++ cannot compile a flag of a Duration's size for its thread
// sanitizer.
ABSL_FLAG(std::string, duration, "3s",
          "how long a server is loaded in each round");

namespace sluice {
namespace {

constexpr int kServerCpu = 0;
constexpr int kClientCpu = 1;
constexpr absl::Duration kPatience = absl::Seconds(30);

// What the flags say.
struct Options {
  int rounds;
  std::vector<int> connections = {};
  int message_size;
  int pipeline;
  absl::Duration duration = {};
};

absl::StatusOr<Options> ParseOptions() {
  Options options{.rounds = absl::GetFlag(FLAGS_rounds),
                  .message_size = absl::GetFlag(FLAGS_message_size),
                  .pipeline = absl::GetFlag(FLAGS_pipeline)};
  const std::string duration = absl::GetFlag(FLAGS_duration);
  if (!absl::ParseDuration(duration, &options.duration) ||
      options.duration <= absl::ZeroDuration() ||
      options.duration > absl::Hours(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--duration: \"", duration, "\" is not more than 0 and up to 1h"));
  }
  for (const std::string& text : absl::GetFlag(FLAGS_connections)) {
    int count;
    if (!absl::SimpleAtoi(text, &count) || count < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--connections: \"", text, "\" is not a count"));
    }
    options.connections.push_back(count);
  }
  if (std::min({options.rounds, options.message_size, options.pipeline}) < 1) {
    return absl::InvalidArgumentError(
        "--rounds, --message_size and --pipeline are 1 at least");
  }
  return options;
}

// A server while it runs.
struct Server {
  std::string name;
  std::string address;
  std::unique_ptr<Process> process;
};

absl::StatusOr<Server> StartServer(const std::string& name,
                                   const std::string& program) {
  auto process = Process::Start(
      program, {.arguments = {"--listen=127.0.0.1:0"}, .cpu = kServerCpu});
  if (!process.ok()) return process.status();
  const absl::StatusOr<std::string> line = (*process)->ReadLine(kPatience);
  if (!line.ok()) return line.status();
  absl::string_view address = *line;
  if (!absl::ConsumePrefix(&address, "listening on ")) {
    return absl::InternalError(absl::StrCat(program, " says: ", *line));
  }
  return Server{name, std::string(address), *std::move(process)};
}

absl::StatusOr<std::vector<Server>> StartServers() {
  std::vector<Server> servers;
  for (const auto& [name, program] :
       {std::pair("limit", "bench/echo_limit"),
        std::pair("sluice", "apps/echo/server"),
        std::pair("limit again", "bench/echo_limit")}) {
    absl::StatusOr<Server> server = StartServer(name, program);
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
  }
  return servers;
}

// One round of one server. Its CPU time includes that of accepting and closing
// the connections, once in a round.
absl::StatusOr<EchoSample> Measure(const Server& server, int connections,
                                   const Options& options) {
  const absl::StatusOr<absl::Duration> before = server.process->CpuTime();
  if (!before.ok()) return before.status();
  auto client = Process::Start(
      "apps/echo/client",
      {.arguments = {"--json", "--connect=" + server.address,
                     absl::StrCat("--connections=", connections),
                     absl::StrCat("--message_size=", options.message_size),
                     absl::StrCat("--pipeline=", options.pipeline),
                     absl::StrCat("--duration=",
                                  absl::FormatDuration(options.duration))},
       .cpu = kClientCpu});
  if (!client.ok()) return client.status();
  const absl::StatusOr<Process::Ended> ended =
      (*client)->Wait(options.duration + kPatience);
  if (!ended.ok()) return ended.status();
  const absl::StatusOr<absl::Duration> after = server.process->CpuTime();
  if (!after.ok()) return after.status();
  if (ended->exit_code != 0) {
    return absl::InternalError(absl::StrCat("the client exits with ",
                                            ended->exit_code, ": ",
                                            ended->error, ended->output));
  }
  return ParseEchoSample(ended->output, *after - *before);
}

void Progress(absl::string_view text) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\r%s\x1b[K", std::string(text).c_str());
}

absl::StatusOr<std::vector<EchoContender>> MeasureAll(
    const std::vector<Server>& servers, int connections,
    const Options& options) {
  std::vector<EchoContender> contenders;
  for (const Server& server : servers) contenders.push_back({server.name, {}});
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < servers.size(); ++i) {
      const size_t next = round % 2 == 0 ? i : servers.size() - 1 - i;
      Progress(absl::StrCat(connections, " connections, round ", round + 1,
                            " of ", options.rounds, ": ", servers[next].name));
      const absl::StatusOr<EchoSample> sample =
          Measure(servers[next], connections, options);
      if (!sample.ok()) return sample.status();
      contenders[next].samples.push_back(*sample);
    }
  }
  Progress("");
  return contenders;
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "an unknown CPU";
}

// What figures are worthless without.
std::string Conditions(const Options& options) {
  utsname system{};
  uname(&system);
  return absl::StrCat(std::thread::hardware_concurrency(), " CPUs of ",
                      CpuModel(), "; ", system.sysname, " ", system.release,
                      "; compiler ", __VERSION__, "; ", options.rounds,
                      " rounds of ", absl::FormatDuration(options.duration),
                      " each\n\n");
}

absl::Status Run(const Options& options) {
#ifndef NDEBUG
  std::fprintf(stderr, "This build is not optimized: bazel run -c opt is.\n");
#endif
  const absl::StatusOr<std::vector<Server>> servers = StartServers();
  if (!servers.ok()) return servers.status();
  std::printf("%s%s", Conditions(options).c_str(), EchoTableHead().c_str());
  for (const int connections : options.connections) {
    const absl::StatusOr<std::vector<EchoContender>> contenders =
        MeasureAll(*servers, connections, options);
    if (!contenders.ok()) return contenders.status();
    const std::string name =
        absl::StrCat(connections, " connections, ", options.message_size, " B",
                     options.pipeline > 1
                         ? absl::StrCat(", ", options.pipeline, " in flight")
                         : "");
    std::printf("%s", EchoTableRows(name, *contenders).c_str());
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

int Fail(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return exit_code;
}

int EchoBenchmarkMain(int argc, char* argv[]) {
  absl::SetProgramUsageMessage(
      "compares the echo server with the least that one can be");
  absl::ParseCommandLine(argc, argv);
  const absl::StatusOr<Options> options = ParseOptions();
  if (!options.ok()) return Fail(options.status(), 2);
  const absl::Status status = Run(*options);
  return status.ok() ? 0 : Fail(status, 1);
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  return sluice::EchoBenchmarkMain(argc, argv);
}

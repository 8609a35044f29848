// Compares //apps/echo:server with //bench:echo_limit under the same load, and
// prints a Markdown table. The servers run on CPU 0, the client runs on CPU 1.
// All servers run all the time, and the client loads one server at a time.
// Rounds go through the servers forth and back. The table has the limit twice:
// the difference between the two is noise. The table also has the limit with
// edge-triggered epoll, since bulk transfers cannot gain more than this.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/base/progress_line.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/bench/report/bar_chart.h"
#include "sluice/bench/report/conditions.h"
#include "sluice/bench/report/echo_report.h"
#include "sluice/bench/report/user_file.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

constexpr int kServerCpu = 0;
constexpr int kClientCpu = 1;
constexpr absl::Duration kPatience = absl::Seconds(30);

struct Options {
  int64_t rounds = 7;
  std::vector<std::string> connections = {"100", "1000"};
  int64_t message_size = 64;
  int64_t pipeline = 1;
  absl::Duration duration = absl::Seconds(3);
  std::vector<std::string> server_flags;
  std::string svg;
};

CommandLine MakeCommandLine(Options* options) {
  CommandLine line("sluice echo benchmark",
                   "compares the echo server with the least that one can be");
  line.AddInt("rounds", "how often each server is measured in each case", 1,
              &options->rounds);
  line.AddList("connections", "N,N,...", "how many connections: a case each",
               &options->connections);
  line.AddInt("message_size", "bytes of a message", 1, &options->message_size);
  line.AddInt("pipeline", "messages in flight on one connection", 1,
              &options->pipeline);
  line.AddDuration("duration", "how long a server is loaded in each round",
                   &options->duration);
  line.AddList("server_flags", "FLAG,FLAG,...",
               "what the sluice server is started with",
               &options->server_flags);
  line.AddString("svg", "PATH", "where to put a picture of the CPU times",
                 &options->svg);
  return line;
}

// A running server.
struct Server {
  std::string name;
  std::string address;
  std::unique_ptr<Process> process;
};

absl::StatusOr<Server> StartServer(const std::string& name,
                                   const std::string& program,
                                   std::vector<std::string> flags) {
  flags.push_back("--listen=127.0.0.1:0");
  auto process = Process::Start(
      program, {.arguments = std::move(flags), .cpu = kServerCpu});
  if (!process.ok()) return process.status();
  const absl::StatusOr<std::string> line = (*process)->ReadLine(kPatience);
  if (!line.ok()) return line.status();
  absl::string_view address = *line;
  if (!absl::ConsumePrefix(&address, "listening on ")) {
    return absl::InternalError(absl::StrCat(program, " says: ", *line));
  }
  return Server{name, std::string(address), *std::move(process)};
}

absl::StatusOr<std::vector<Server>> StartServers(const Options& options) {
  struct Contender {
    std::string name;
    std::string program;
    std::vector<std::string> flags;
  };
  std::vector<Server> servers;
  for (const auto& [name, program, flags] :
       {Contender{"limit", "bench/echo_limit", {}},
        Contender{"sluice", "apps/echo/server", options.server_flags},
        Contender{
            "limit, edge-triggered", "bench/echo_limit", {"--edge_triggered"}},
        Contender{"limit again", "bench/echo_limit", {}}}) {
    absl::StatusOr<Server> server = StartServer(name, program, flags);
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
  }
  return servers;
}

// Measures one server in one round. The CPU time of the server includes
// accepting and closing the connections, once in a round.
absl::StatusOr<EchoSample> Measure(const Server& server,
                                   const std::string& connections,
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

absl::StatusOr<std::vector<EchoContender>> MeasureAll(
    const std::vector<Server>& servers, const std::string& connections,
    const Options& options) {
  ProgressLine progress;
  const std::string headline =
      absl::StrCat("Echo, ", connections, " connections");
  if (!progress.terminal()) absl::FPrintF(stderr, "%s\n", headline);
  std::vector<EchoContender> contenders;
  for (const Server& server : servers) contenders.push_back({server.name, {}});
  for (int64_t round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < servers.size(); ++i) {
      const size_t next = round % 2 == 0 ? i : servers.size() - 1 - i;
      progress.Show(absl::StrCat(headline, ": round ", round + 1, " of ",
                                 options.rounds, ", ", servers[next].name));
      const absl::StatusOr<EchoSample> sample =
          Measure(servers[next], connections, options);
      if (!sample.ok()) return sample.status();
      contenders[next].samples.push_back(*sample);
    }
  }
  return contenders;
}

std::string Conditions(const Options& options) {
  return absl::StrCat(MachineConditions(), "; ", options.rounds, " rounds of ",
                      absl::FormatDuration(options.duration), " each\n\n");
}

absl::Status Run(const Options& options) {
  WarnIfNotOptimized();
  const absl::StatusOr<std::vector<Server>> servers = StartServers(options);
  if (!servers.ok()) return servers.status();
  std::printf("%s%s", Conditions(options).c_str(), EchoTableHead().c_str());
  std::vector<BarPanel> panels;
  for (const std::string& connections : options.connections) {
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
    panels.push_back(EchoPanel(name, *contenders));
  }
  if (options.svg.empty()) return absl::OkStatus();
  return WriteFile(options.svg, BarChartSvg(panels));
}

int EchoBenchmarkMain(int argc, char* argv[]) {
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
  return sluice::FinishStandardOutput("sluice echo benchmark",
                                      sluice::EchoBenchmarkMain(argc, argv));
}

#include "sluice/apps/echo/echo_client.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/apps/common/app_log.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/apps/common/counted.h"
#include "sluice/apps/common/descriptor_budget.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/resolve.h"
#include "sluice/apps/common/termination_signals.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/base/progress_line.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

struct Flags {
  std::string connect = "127.0.0.1:7007";
  int64_t connections = 1;
  int64_t message_size = 64;
  int64_t pipeline = 1;
  absl::Duration duration = absl::Seconds(10);
  int64_t messages = 0;
  int64_t rate = 0;
  absl::Duration warmup = absl::ZeroDuration();
  std::vector<std::string> source_addresses;
  int64_t read_rate = 0;
  PollerKind poller = PollerKind::kAuto;
  absl::Duration connect_timeout = absl::Seconds(10);
  absl::Duration timeout = absl::Seconds(10);
  bool json = false;
  AppLog::Flags log;
};

CommandLine MakeCommandLine(Flags* flags) {
  CommandLine line("sluice echo client",
                   "loads an echo server and checks what it sends back");
  line.AddString("connect", "ADDRESS",
                 "the server: HOST:PORT, [V6]:PORT, unix:PATH or unix:@NAME",
                 &flags->connect);
  line.AddInt("connections", "connections, all opened before the first message",
              1, &flags->connections);
  line.AddInt("message_size", "bytes of a message", 1, &flags->message_size);
  line.AddInt("pipeline", "messages in flight on one connection at most", 1,
              &flags->pipeline);
  line.AddDuration("duration", "how long messages are sent", &flags->duration);
  line.AddInt("messages",
              "how many messages are sent in total, in place of --duration; "
              "0: no limit",
              0, &flags->messages);
  line.AddInt("rate",
              "messages per second in total, at even intervals; latency counts "
              "from when a message was due; 0: each message is sent when an "
              "earlier one is answered",
              0, &flags->rate);
  line.AddDuration("warmup",
                   "how long messages are sent before any is measured",
                   &flags->warmup);
  line.AddList("source_addresses", "A,B,...",
               "IP addresses to connect from, which connections use in turn",
               &flags->source_addresses);
  line.AddInt("read_rate",
              "bytes per second that a connection reads at most; 0: no limit",
              0, &flags->read_rate);
  line.AddNamed("poller", "POLLER",
                "system call that waits for readiness: epoll, poll, select, or "
                "auto: epoll, or poll where epoll is refused",
                ParsePollerKind, PollerKindName, &flags->poller);
  line.AddDuration("connect_timeout", "how long a connect may take",
                   &flags->connect_timeout);
  line.AddDuration("timeout",
                   "how long to wait for answers after the last message",
                   &flags->timeout);
  line.AddBool("json", "print the results as one line of JSON", &flags->json);
  AppLog::AddFlags(&line, &flags->log);
  return line;
}

// Checks the values that CommandLine does not, and flags that exclude others.
absl::Status Check(const Flags& flags, const CommandLine& line) {
  constexpr int64_t kMaxMessageSize = 1 << 30;
  constexpr int64_t kMaxInFlight = 100'000'000;
  if (line.given("messages") && line.given("duration")) {
    return absl::InvalidArgumentError(
        "--messages and --duration: each says when to end; give one");
  }
  if (flags.warmup == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(
        "--warmup=inf: nothing would ever be measured; give a time that ends");
  }
  if (flags.message_size > kMaxMessageSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("--message_size=", flags.message_size, ": more than ",
                     kMaxMessageSize));
  }
  if (flags.pipeline > kMaxInFlight / flags.connections) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--connections=", flags.connections, " --pipeline=", flags.pipeline,
        ": more than ", kMaxInFlight, " messages in flight"));
  }
  return absl::OkStatus();
}

// Parses an IP address without a port, of the family of `server`.
absl::StatusOr<SocketAddress> ParseSource(const std::string& text,
                                          const SocketAddress& server) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(
      absl::StrContains(text, ':') ? absl::StrCat("[", text, "]:0")
                                   : absl::StrCat(text, ":0"));
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--source_addresses: \"", text, "\" is not an IP address"));
  }
  if (address->family() != server.family()) {
    return absl::InvalidArgumentError(absl::StrCat("--source_addresses: ", text,
                                                   " is not of the family of ",
                                                   server.ToString()));
  }
  return address;
}

absl::StatusOr<LoadGenerator::Options> ToOptions(const Flags& flags,
                                                 const SocketAddress& server) {
  LoadGenerator::Options options{
      .server = server,
      .connections = static_cast<uint64_t>(flags.connections),
      .message_size = static_cast<size_t>(flags.message_size),
      .pipeline = static_cast<uint64_t>(flags.pipeline),
      .read_rate = flags.read_rate,
      .connect_timeout = flags.connect_timeout,
      .timeout = flags.timeout,
      .schedule = {.rate = static_cast<double>(flags.rate),
                   .warmup = flags.warmup}};
  if (flags.messages > 0) {
    options.schedule.messages = static_cast<uint64_t>(flags.messages);
  } else {
    options.schedule.duration = flags.duration;
  }
  for (const std::string& text : flags.source_addresses) {
    const absl::StatusOr<SocketAddress> source = ParseSource(text, server);
    if (!source.ok()) return source.status();
    options.sources.push_back(*source);
  }
  return options;
}

// Shows each second how far the run is, if stderr is a terminal.
class Progress {
 public:
  Progress(EventLoop* loop, const LoadGenerator* generator)
      : loop_(loop), generator_(generator), timer_([this] { Show(); }) {
    if (line_.terminal()) loop_->Arm(&timer_, kInterval);
  }

 private:
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  void Show() {
    const uint64_t messages = generator_->results().messages();
    line_.Show(absl::StrCat(Counted(generator_->open(), "connection"),
                            " open, ", Counted(messages, "message"), ", ",
                            messages - last_, " in the last second"));
    last_ = messages;
    loop_->Arm(&timer_, kInterval);
  }

  EventLoop* const loop_;
  const LoadGenerator* const generator_;
  CallbackTimer timer_;
  uint64_t last_ = 0;
  ProgressLine line_;
};

// With --json, prints the errors in words on stderr, for people.
void Print(const LoadResults& results, bool json) {
  if (json) WriteToStandardError(ErrorsToText(results));
  const std::string text =
      json ? ToJson(results)
           : absl::StrCat(ToText(results), ErrorsToText(results));
  std::fputs(text.c_str(), stdout);
}

// Returns an error if not all connections fit into this process: a load of
// fewer connections would be another measurement.
absl::Status CheckRoom(const Flags& flags) {
  constexpr int64_t kReserved = 4;
  const DescriptorBudget descriptors(flags.poller);
  const int64_t room = descriptors.RoomForConnections(kReserved);
  if (flags.connections <= room) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("--connections=", flags.connections, ": ",
                   descriptors.LimitText(), ", which leaves room for ", room));
}

// Loads the server and prints the results. Returns the exit code.
int Run(const CommandLine& line, const Flags& flags,
        LoadGenerator::Options options) {
  const Platform platform = LinuxPlatform(flags.poller);
  const auto log = AppLog::Start(flags.log, platform.clock);
  if (!log.ok()) return line.Fail(log.status());
  options.logger = (*log)->logger();
  const auto loop = NewEventLoop(platform, LoadGenerator::LoopOptions(options));
  if (!loop.ok()) return line.Fail(loop.status());
  LoadGenerator generator(&platform, loop->get(), std::move(options));
  auto signals =
      CatchTerminationSignals(loop->get(), [&] { generator.Stop(); });
  if (!signals.ok()) return line.Fail(signals.status());
  const auto hangup = (*log)->ReopenOnHangup(loop->get());
  if (!hangup.ok()) return line.Fail(hangup.status());
  absl::Status status = CheckRoom(flags);
  if (!status.ok()) return line.Fail(status);
  // By default the kernel may let a thread sleep 50 us longer, prctl(2). A
  // message that is sent late would be charged to the server.
  if (flags.rate > 0) prctl(PR_SET_TIMERSLACK, 1);
  generator.Start([&] { (*loop)->Stop(); });
  {
    const Progress progress(loop->get(), &generator);
    status = (*loop)->Run();
  }
  // No loop dispatches signals any more: each gets its default action.
  signals->reset();
  if (!status.ok()) return line.Fail(status);
  Print(generator.results(), flags.json);
  // Before the log is closed, which may take seconds if nobody reads it.
  return FinishStandardOutput("sluice echo client",
                              generator.results().ok() ? 0 : 1);
}

}  // namespace

int EchoClientMain(int argc, char* argv[]) {
  Flags flags;
  CommandLine line = MakeCommandLine(&flags);
  const absl::StatusOr<CommandLine::Next> next = line.Parse(argc, argv);
  if (!next.ok()) return line.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::Status checked = Check(flags, line);
  if (!checked.ok()) return line.FailUsage(checked);

  const absl::StatusOr<SocketAddress> server = Resolve(flags.connect);
  if (!server.ok()) return line.FailFlag(OfFlag("connect", server.status()));
  if (server->both_families()) {
    return line.FailUsage(absl::InvalidArgumentError(
        absl::StrCat("--connect=", flags.connect, ": names no host; 127.0.0.1",
                     flags.connect, " is this one")));
  }
  const auto options = ToOptions(flags, *server);
  if (!options.ok()) return line.FailUsage(options.status());

  return Run(line, flags, *options);
}

}  // namespace sluice

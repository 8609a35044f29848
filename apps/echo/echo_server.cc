#include "sluice/apps/echo/echo_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "sluice/apps/common/app_log.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/apps/common/descriptor_limit.h"
#include "sluice/apps/common/resolve.h"
#include "sluice/apps/common/termination_signals.h"
#include "sluice/apps/echo/logged_echo_handler.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/event/loop_threads.h"
#include "sluice/event/poller_kind.h"
#include "sluice/event/signal_watch.h"
#include "sluice/log/log.h"
#include "sluice/net/linux_platform.h"
#include "sluice/net/platform.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp_server.h"
#include "sluice/net/thread_model.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:7007";
  int64_t threads = 1;
  std::string model = "single";
  std::string poller = "auto";
  absl::Duration idle_timeout = absl::Minutes(5);
  int64_t max_connections = 100'000;
  absl::Duration drain_timeout = absl::Seconds(5);
  AppLog::Flags log;
};

constexpr int64_t kMaxThreads = 1024;

CommandLine MakeCommandLine(Flags* flags) {
  CommandLine line("sluice echo server",
                   "sends back what clients send, until SIGTERM or SIGINT; a "
                   "second one ends it at once; SIGHUP never ends it");
  line.AddString("listen", "ADDRESS",
                 "HOST:PORT; [V6]:PORT, for IPv6 alone; :PORT, for every IPv4 "
                 "and IPv6 address of this host; unix:PATH or unix:@NAME; "
                 "port 0 picks a free one",
                 &flags->listen);
  line.AddInt("threads", "threads that serve", 1, &flags->threads);
  line.AddString("model", "MODEL",
                 "how connections are spread over threads: single, reuseport",
                 &flags->model);
  line.AddString("poller", "POLLER",
                 "how readiness is waited for: auto, epoll, poll, select",
                 &flags->poller);
  line.AddDuration("idle_timeout",
                   "close a connection after this long without traffic",
                   &flags->idle_timeout);
  line.AddInt("max_connections",
              "while so many are open, new ones wait to be accepted", 1,
              &flags->max_connections);
  line.AddDuration("drain_timeout",
                   "how long connections may go on after the first signal",
                   &flags->drain_timeout);
  AppLog::AddFlags(&line, &flags->log);
  return line;
}

// What the flags say together.
absl::Status Check(const Flags& flags) {
  const absl::StatusOr<ThreadModel> model = ParseThreadModel(flags.model);
  if (!model.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--model: ", model.status().message()));
  }
  if (flags.threads > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads=", flags.threads, ": at most ", kMaxThreads));
  }
  const absl::StatusOr<PollerKind> poller = ParsePollerKind(flags.poller);
  if (!poller.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--poller: ", poller.status().message()));
  }
  if (*model == ThreadModel::kSingleLoop && flags.threads != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--threads=", flags.threads,
        ": --model=single serves on one thread; --model=reuseport on many"));
  }
  if (flags.idle_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "--idle_timeout: must be more than 0; inf is no limit");
  }
  return AppLog::Check(flags.log);
}

// How many descriptors a server needs to hold one connection. Called when the
// server has opened none.
int64_t NeededDescriptors(int64_t threads) {
  // Each thread has a poller with its wake-up, a listener, and one connection
  // past max_connections. Signals and the log take three.
  return OpenDescriptors() + 4 * threads + 3 + 1;
}

// How many connections there are descriptors for, below `limit`, some left for
// other needs. Called when the server has all that it needs but its listeners.
int64_t RoomForConnections(int64_t limit, int64_t threads) {
  // A listener for each thread, and one connection past max_connections.
  const int64_t spare = 8 + 2 * threads;
  return std::max<int64_t>(limit - OpenDescriptors() - spare, 1);
}

// Whether another process listens at `address` and shares it. A socket that
// does not share can be bound only if no other one is; it does not listen, so
// that no connection is lost.
bool IsShared(const SocketAddress& address) {
  if (address.port() == 0) return false;
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  const int ipv6_only = address.both_families() ? 0 : 1;
  // As the listener will have it: connections in TIME_WAIT are no listener.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof(ipv6_only));
  const bool shared =
      bind(fd, address.data(), address.size()) != 0 && errno == EADDRINUSE;
  close(fd);
  return shared;
}

// The server while it runs.
class EchoServer {
 public:
  EchoServer(const Flags& flags, bool max_connections_given)
      : flags_(flags),
        max_connections_given_(max_connections_given),
        poller_(*ParsePollerKind(flags.poller)),
        platform_(LinuxPlatform(poller_)) {}

  absl::Status Start(const SocketAddress& address) {
    descriptor_limit_ = RaiseDescriptorLimit();
    const int64_t needed = NeededDescriptors(flags_.threads);
    if (needed > Limit()) return TooFewDescriptors(needed);
    auto threads = LoopThreads::Create(
        {.num_loops = static_cast<int>(flags_.threads), .name = "echo"},
        [this] { return NewEventLoop(platform_); });
    if (!threads.ok()) return threads.status();
    threads_ = *std::move(threads);
    auto signals = TerminationSignals::Catch(threads_->loops().front(),
                                             [this] { Drain(); });
    if (!signals.ok()) return signals.status();
    signals_ = *std::move(signals);
    const absl::Status logging = StartLog();
    if (!logging.ok()) return logging;
    const absl::Status listening = StartServer(address);
    if (!listening.ok()) return listening;
    const absl::Status started = threads_->Start();
    if (!started.ok()) return started;
    const absl::Status said = SayAddress();
    if (said.ok()) return said;
    threads_->Stop();
    (void)threads_->Join();
    return said;
  }

  absl::Status Wait() {
    const absl::Status status = threads_->Join();
    // No loop reads signals any more: each one has its default action.
    signals_.reset();
    if (!status.ok()) return status;
    const std::vector<TcpServer::LoopStats> stats = server_->stats();
    TcpServer::LoopStats sum;
    std::string text;
    for (size_t i = 0; i < stats.size(); ++i) {
      sum.accepted += stats[i].accepted;
      sum.bytes_out += stats[i].bytes_out;
      if (stats.size() > 1) {
        absl::StrAppend(&text, "echo/", i, ": ", Served(stats[i]), "\n");
      }
    }
    if (stats.size() > 1) {
      absl::StrAppendFormat(&text, "fairness %.3f\n", Fairness(stats));
    }
    const double seconds =
        absl::ToDoubleSeconds(platform_.clock->Now() - start_);
    absl::StrAppendFormat(&text, "served %s in %.1f s, %d forced\n",
                          Served(sum), seconds, forced_);
    WriteToStandardError(text);
    SLUICE_LOG(log_->logger(), kInfo, "served {} in {:.1f} s, {} forced",
               Served(sum), seconds, forced_);
    return absl::OkStatus();
  }

 private:
  static std::string Served(const TcpServer::LoopStats& stats) {
    return absl::StrCat(stats.accepted, " connections, ", stats.bytes_out,
                        " bytes");
  }

  // On a loop, which standard error must not hold up.
  static void TellAcceptTrouble(AsyncLogger* logger,
                                const absl::Status& trouble) {
    const std::string text =
        trouble.ok()
            ? "accepts all connections again"
            : absl::StrCat("cannot accept all connections: ", trouble.message(),
                           absl::IsResourceExhausted(trouble)
                               ? "; raise the limit, or lower "
                                 "--max_connections"
                               : "");
    if (logger != nullptr) {
      SLUICE_LOG(logger, kWarning, "{}", text);
    } else {
      WriteToStandardError(absl::StrCat("sluice echo server: ", text, "\n"),
                           absl::ZeroDuration());
    }
  }

  absl::Status StartServer(const SocketAddress& address) {
    const auto loops = threads_->loops();
    const int64_t room = RoomForConnections(Limit(), flags_.threads);
    // One thread alone shares its port with nobody; TcpServer.
    const bool shared = flags_.threads > 1 && IsShared(address);
    auto server = TcpServer::Start(
        &platform_, {loops.begin(), loops.end()}, address,
        [logger = log_->logger()](const SocketAddress& peer) {
          return LoggedEchoHandler::New(logger, peer);
        },
        {.thread_model = *ParseThreadModel(flags_.model),
         .max_connections =
             static_cast<size_t>(std::min(room, flags_.max_connections)),
         .connection = {.high_water = 64 * 1024,
                        .low_water = 16 * 1024,
                        .idle_timeout = flags_.idle_timeout},
         .on_accept_trouble =
             [logger = log_->logger()](const absl::Status& trouble) {
               TellAcceptTrouble(logger, trouble);
             }});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    start_ = platform_.clock->Now();
    SLUICE_LOG(log_->logger(), kInfo, "listening on {}", server_->address());
    TellIfFew(room);
    if (shared) TellOfSharing();
    return absl::OkStatus();
  }

  // A line for the program that has started this one. If that line is lost, the
  // server ends: with port 0 nobody knows where it listens, and a supervisor
  // that waits for the line would wait for ever.
  absl::Status SayAddress() const {
    const std::string line =
        absl::StrCat("listening on ", server_->address().ToString());
    constexpr absl::Duration kLimit = absl::Seconds(5);
    const int error = WriteToStandardOutput(absl::StrCat(line, "\n"), kLimit);
    if (error == 0) return absl::OkStatus();
    const std::string lost =
        absl::StrCat("cannot write the line \"", line, "\" to stdout");
    if (error == ETIMEDOUT) {
      return absl::DeadlineExceededError(
          absl::StrCat(lost, ": it is a full pipe that nobody reads"));
    }
    const absl::string_view way_out =
        error == EBADF ? "it is closed; start the server with >/dev/null"
                       : "start the server with another stdout";
    return absl::ErrnoToStatus(error, absl::StrCat(lost, ": ", way_out));
  }

  void TellOfSharing() const {
    const std::string text =
        absl::StrCat("another process shares ", server_->address().ToString(),
                     " and gets a part of the connections; if that is not "
                     "intended, end it or choose another port");
    SLUICE_LOG(log_->logger(), kWarning, "{}", text);
    WriteToStandardError(absl::StrCat("sluice echo server: ", text, "\n"));
  }

  // Below which the server opens descriptors.
  int64_t Limit() const {
    return std::min<int64_t>(descriptor_limit_, DescriptorLimit(poller_));
  }
  // Which limit that is, for people.
  std::string LimitText() const {
    return Limit() < descriptor_limit_
               ? absl::StrCat("--poller=", flags_.poller,
                              " takes descriptors below ", Limit())
               : absl::StrCat("the limit on descriptors (RLIMIT_NOFILE) is ",
                              Limit());
  }

  absl::Status TooFewDescriptors(int64_t needed) const {
    return absl::ResourceExhaustedError(
        absl::StrCat(LimitText(), ", and with --threads=", flags_.threads,
                     " the server needs ", needed, " to hold a connection"));
  }

  // Warns only if the user asked for this limit, or if the room is unusually
  // small.
  void TellIfFew(int64_t room) const {
    if (room >= flags_.max_connections) return;
    if (!max_connections_given_ && room >= kFewConnections) return;
    WriteToStandardError(absl::StrCat(
        "sluice echo server: will hold ", room, " connections at once, not ",
        flags_.max_connections, ": ", LimitText(), "\n"));
  }

  absl::Status StartLog() {
    auto log = AppLog::Start(flags_.log, platform_.clock);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    auto hangup = log_->ReopenOnHangup(threads_->loops().front());
    if (!hangup.ok()) return hangup.status();
    hangup_ = *std::move(hangup);
    return absl::OkStatus();
  }

  // On the first loop.
  void Drain() {
    SLUICE_LOG(log_->logger(), kInfo, "draining, for {} at most",
               flags_.drain_timeout);
    server_->Drain(platform_.clock->Now() + flags_.drain_timeout,
                   [this](size_t forced) {
                     forced_ = forced;
                     threads_->Stop();
                   });
  }

  static constexpr int64_t kFewConnections = 1024;

  const Flags flags_;
  const bool max_connections_given_;
  const PollerKind poller_;
  const Platform platform_;
  int64_t descriptor_limit_ = 0;  // RLIMIT_NOFILE
  MonotonicTime start_;
  std::unique_ptr<AppLog> log_;  // outlives whoever logs
  std::unique_ptr<LoopThreads> threads_;
  std::unique_ptr<TerminationSignals> signals_;
  std::unique_ptr<SignalWatch> hangup_;
  std::unique_ptr<TcpServer> server_;
  size_t forced_ = 0;  // the first loop's, until that has ended
};

}  // namespace

int EchoServerMain(int argc, char* argv[]) {
  Flags flags;
  CommandLine line = MakeCommandLine(&flags);
  const absl::StatusOr<CommandLine::Next> next = line.Parse(argc, argv);
  if (!next.ok()) return line.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::Status checked = Check(flags);
  if (!checked.ok()) return line.FailUsage(checked);

  // Until the log is a file: a terminal that is closed must not end a server.
  signal(SIGHUP, SIG_IGN);
  const absl::StatusOr<SocketAddress> address = Resolve(flags.listen);
  if (absl::IsInvalidArgument(address.status())) {
    return line.FailUsage(address.status());
  }
  if (!address.ok()) return line.Fail(address.status());
  if (flags.model == "reuseport" && address->family() == AF_UNIX) {
    return line.FailUsage(absl::InvalidArgumentError(absl::StrCat(
        "--listen=", flags.listen,
        ": --model=reuseport is for IP addresses; --model=single is for any")));
  }

  EchoServer server(flags, line.given("max_connections"));
  absl::Status status = server.Start(*address);
  if (status.ok()) status = server.Wait();
  return status.ok() ? 0 : line.Fail(status);
}

}  // namespace sluice

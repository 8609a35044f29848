#include "sluice/apps/common/server_app.h"

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
#include "sluice/apps/common/counted.h"
#include "sluice/apps/common/descriptor_budget.h"
#include "sluice/apps/common/resolve.h"
#include "sluice/apps/common/termination_signals.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/event/loop_threads.h"
#include "sluice/event/signal_watch.h"
#include "sluice/log/log.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Returns how many descriptors a server needs to hold one connection. Called
// before the server opens any.
int64_t NeededDescriptors(int64_t threads) {
  // Each thread has a poller with its wake-up, a listener, and one connection
  // past max_connections. Signals and the log take three.
  return DescriptorBudget::Open() + 4 * threads + 3 + 1;
}

// Descriptors that a server keeps for other needs when it has opened all but
// its listeners: a listener for each thread, one connection past
// max_connections for each thread, and 8 to spare.
int64_t ReservedDescriptors(int64_t threads) { return 8 + 2 * threads; }

// Returns whether another process listens at `address` and shares the address.
// Binds a socket without SO_REUSEPORT, which fails if any other socket is
// bound. The socket does not listen, so no connection is lost.
bool IsShared(const SocketAddress& address) {
  if (address.port() == 0) return false;
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  const int ipv6_only = address.both_families() ? 0 : 1;
  // As for the listener: connections in TIME_WAIT do not count.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof(ipv6_only));
  const bool shared =
      bind(fd, address.data(), address.size()) != 0 && errno == EADDRINUSE;
  close(fd);
  return shared;
}

// The server while it runs.
class RunningServer {
 public:
  // `options` outlives this.
  RunningServer(const ServerApp::Options& options, bool max_connections_given)
      : options_(options),
        flags_(options.flags),
        max_connections_given_(max_connections_given),
        platform_(LinuxPlatform(flags_.poller)),
        descriptors_(flags_.poller) {}

  // Makes all that handlers may need.
  absl::Status Prepare() {
    const int64_t needed = NeededDescriptors(flags_.threads);
    if (needed > descriptors_.limit()) return TooFewDescriptors(needed);
    auto threads =
        LoopThreads::Create({.num_loops = static_cast<int>(flags_.threads),
                             .name = options_.thread_name},
                            [this] { return NewEventLoop(platform_); });
    if (!threads.ok()) return threads.status();
    threads_ = *std::move(threads);
    auto signals =
        CatchTerminationSignals(threads_->loops().front(), [this] { Drain(); });
    if (!signals.ok()) return signals.status();
    signals_ = *std::move(signals);
    auto log = AppLog::Start(flags_.log, platform_.clock);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    auto hangup = log_->ReopenOnHangup(threads_->loops().front());
    if (!hangup.ok()) return hangup.status();
    hangup_ = *std::move(hangup);
    return absl::OkStatus();
  }

  // REQUIRES: Prepare() was OK.
  ServerApp::Context context() const {
    return {.platform = &platform_,
            .loops = threads_->loops(),
            .logger = log_->logger()};
  }

  // REQUIRES: Prepare() was OK.
  absl::Status Start(const SocketAddress& address,
                     TcpServer::NewHandler new_handler) {
    absl::Status status = StartServer(address, std::move(new_handler));
    if (status.ok()) status = threads_->Start();
    if (!status.ok()) return status;
    status = PrintAddress();
    if (status.ok()) return status;
    threads_->Stop();
    (void)threads_->Join();
    return status;
  }

  absl::Status Wait() {
    const absl::Status status = threads_->Join();
    // No loop dispatches signals any more: each gets its default action.
    signals_.reset();
    if (!status.ok()) return status;
    const std::vector<TcpServer::LoopStats> stats = server_->stats();
    TcpServer::LoopStats sum;
    std::string text;
    for (size_t i = 0; i < stats.size(); ++i) {
      sum.accepted += stats[i].accepted;
      sum.bytes_out += stats[i].bytes_out;
      if (stats.size() > 1) {
        absl::StrAppend(&text, options_.thread_name, "/", i, ": ",
                        Served(stats[i]), "\n");
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
    return absl::StrCat(Counted(stats.accepted, "connection"), ", ",
                        Counted(stats.bytes_out, "byte"));
  }

  // On any loop, so this does not wait for standard error.
  static void ReportAcceptTrouble(const std::string& program,
                                  AsyncLogger* logger,
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
      WriteToStandardError(absl::StrCat(program, ": ", text, "\n"),
                           absl::ZeroDuration());
    }
  }

  absl::Status StartServer(const SocketAddress& address,
                           TcpServer::NewHandler new_handler) {
    const auto loops = threads_->loops();
    const int64_t room = std::max<int64_t>(
        descriptors_.RoomForConnections(ReservedDescriptors(flags_.threads)),
        1);
    // With one thread, TcpServer does not share its port.
    const bool shared = flags_.threads > 1 && IsShared(address);
    ConnectionOptions connection = options_.connection;
    connection.idle_timeout = flags_.idle_timeout;
    auto server = TcpServer::Start(
        &platform_, {loops.begin(), loops.end()}, address,
        std::move(new_handler),
        {.thread_model = flags_.model,
         .max_connections =
             static_cast<size_t>(std::min(room, flags_.max_connections)),
         .connection = connection,
         .on_accept_trouble =
             [program = options_.program,
              logger = log_->logger()](const absl::Status& trouble) {
               ReportAcceptTrouble(program, logger, trouble);
             }});
    if (!server.ok()) return OfFlag("listen", server.status());
    server_ = *std::move(server);
    start_ = platform_.clock->Now();
    SLUICE_LOG(log_->logger(), kInfo, "listening on {}", server_->address());
    WarnIfFew(room);
    if (shared) WarnOfSharing();
    return absl::OkStatus();
  }

  // Prints the line that the parent process waits for. If the line cannot be
  // written, the server ends: with port 0 nobody would learn the port, and a
  // supervisor that waits for the line would wait without end.
  absl::Status PrintAddress() const {
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

  void WarnOfSharing() const {
    const std::string text =
        absl::StrCat("another process shares ", server_->address().ToString(),
                     " and gets a part of the connections; if that is not "
                     "intended, end that process or choose another port");
    SLUICE_LOG(log_->logger(), kWarning, "{}", text);
    WriteToStandardError(absl::StrCat(options_.program, ": ", text, "\n"));
  }

  absl::Status TooFewDescriptors(int64_t needed) const {
    return absl::ResourceExhaustedError(absl::StrCat(
        descriptors_.LimitText(), ", and with --threads=", flags_.threads,
        " the server needs ", needed, " to hold a connection"));
  }

  // Warns only if the user asked for this limit, or if the room is unusually
  // small.
  void WarnIfFew(int64_t room) const {
    if (room >= flags_.max_connections) return;
    if (!max_connections_given_ && room >= kFewConnections) return;
    WriteToStandardError(absl::StrCat(options_.program, ": will hold ",
                                      Counted(room, "connection"),
                                      " at once, not ", flags_.max_connections,
                                      ": ", descriptors_.LimitText(), "\n"));
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

  const ServerApp::Options& options_;
  const ServerFlags& flags_;
  const bool max_connections_given_;
  const Platform platform_;
  const DescriptorBudget descriptors_;
  MonotonicTime start_;
  std::unique_ptr<AppLog> log_;  // outlives the threads, which log
  std::unique_ptr<LoopThreads> threads_;
  std::unique_ptr<SignalWatch> signals_;
  std::unique_ptr<SignalWatch> hangup_;
  std::unique_ptr<TcpServer> server_;
  size_t forced_ = 0;  // set on the first loop, read after it has ended
};

}  // namespace

ServerApp::ServerApp(Options options)
    : options_(std::move(options)),
      line_(options_.program,
            absl::StrCat(options_.summary,
                         ", until SIGTERM or SIGINT; a second one ends it at "
                         "once; SIGHUP never ends it")) {
  options_.flags.AddTo(&line_);
}

int ServerApp::Main(int argc, char* argv[], MakeNewHandler make_new_handler) {
  FillStandardDescriptors();
  return FinishStandardOutput(options_.program,
                              Run(argc, argv, std::move(make_new_handler)));
}

int ServerApp::Run(int argc, char* argv[], MakeNewHandler make_new_handler) {
  const ServerFlags& flags = options_.flags;
  const absl::StatusOr<CommandLine::Next> next = line_.Parse(argc, argv);
  if (!next.ok()) return line_.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::Status checked = flags.Check();
  if (!checked.ok()) return line_.FailUsage(checked);

  // A terminal that is closed must not end a server. A log that is a file
  // catches SIGHUP later.
  signal(SIGHUP, SIG_IGN);
  const absl::StatusOr<SocketAddress> address = Resolve(flags.listen);
  if (!address.ok()) return line_.FailFlag(OfFlag("listen", address.status()));
  const absl::Status fits = flags.CheckAddress(*address);
  if (!fits.ok()) return line_.FailUsage(fits);

  RunningServer server(options_, line_.given("max_connections"));
  absl::Status status = server.Prepare();
  if (!status.ok()) return line_.Fail(status);
  auto new_handler = make_new_handler(server.context());
  if (!new_handler.ok()) return line_.FailFlag(new_handler.status());
  status = server.Start(*address, *std::move(new_handler));
  if (status.ok()) status = server.Wait();
  return status.ok() ? 0 : line_.Fail(status);
}

}  // namespace sluice

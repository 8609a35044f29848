// Prints the events in a few simulated worlds. The output is the same to the
// byte for every build of this program, and wherever the program lies in
// memory. `sim_trace_test` compares two runs of one build, and .ci/run compares
// the output of all builds that it makes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/base/executor.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int kPort = 7007;

// A log of the events that programs report.
class Journal {
 public:
  explicit Journal(const SimNetwork* network) : network_(*network) {}

  void Note(const SimHost& host, absl::string_view what) {
    absl::StrAppend(&text_, network_.now().nanos(), " ", host.name(), ": ",
                    what, "\n");
  }
  const std::string& text() const { return text_; }

 private:
  const SimNetwork& network_;
  std::string text_;
};

// A task that notes when it runs.
class NotedTask final : public Task {
 public:
  NotedTask(SimHost* host, Journal* journal, int number)
      : host_(*host), journal_(*journal), number_(number) {}

  void Run() override {
    journal_.Note(host_, absl::StrCat("a worker runs task ", number_));
  }
  void Abandon() override {
    journal_.Note(host_, absl::StrCat("no worker runs task ", number_));
  }

 private:
  SimHost& host_;
  Journal& journal_;
  const int number_;
};

// An echo server on three loops. Its handlers schedule tasks on workers.
class Server final : public SimProgram {
 public:
  Server(SimHost* host, Journal* journal) {
    for (int i = 0; i < 5; ++i) {
      tasks_.push_back(std::make_unique<NotedTask>(host, journal, i));
    }
    std::vector<EventLoop*> loops;
    for (int i = 0; i < 3; ++i) loops.push_back(host->NewLoop());
    auto server = TcpServer::Start(
        &host->platform(), std::move(loops), host->address(kPort),
        [this, host](const SocketAddress&) {
          return std::make_unique<Handler>(this, host->workers());
        },
        {.thread_model = ThreadModel::kReusePort,
         .connection = {.high_water = 2000,
                        .low_water = 500,
                        .idle_timeout = absl::Minutes(2)}});
    if (server.ok()) {
      server_ = *std::move(server);
    } else {
      journal->Note(*host, server.status().ToString());
    }
  }

  // Returns whether a task waits for a worker.
  bool is_busy() const {
    return std::any_of(tasks_.begin(), tasks_.end(),
                       [](const auto& task) { return task->queued(); });
  }

 private:
  class Handler final : public EchoHandler {
   public:
    Handler(Server* server, Executor* workers)
        : server_(*server), workers_(*workers) {}

    size_t OnInput(Stream& stream, absl::string_view input) override {
      for (const auto& task : server_.tasks_) {
        (void)workers_.Schedule(task.get());
      }
      return EchoHandler::OnInput(stream, input);
    }

   private:
    Server& server_;
    Executor& workers_;
  };

  std::vector<std::unique_ptr<NotedTask>> tasks_;
  std::unique_ptr<TcpServer> server_;
};

class Client final : public SimProgram {
 public:
  Client(SimHost* host, Journal* journal, const SocketAddress& server)
      : generator_(&host->platform(),
                   host->NewLoop(LoadGenerator::LoopOptions(Load(server))),
                   Load(server)) {
    generator_.Start([this, host, journal] {
      journal->Note(*host, ToJson(generator_.results()));
    });
  }

 private:
  static LoadGenerator::Options Load(const SocketAddress& server) {
    LoadGenerator::Options load{.server = server,
                                .connections = 3,
                                .message_size = 3000,
                                .pipeline = 4,
                                .timeout = absl::Minutes(3)};
    load.schedule.messages = 40;
    return load;
  }

  LoadGenerator generator_;
};

// Runs a world with everything that a world can do. Returns its trace.
std::string RunWorld(uint64_t seed) {
  SimNetwork::Options options;
  options.seed = seed;
  options.link.jitter = absl::Milliseconds(1);
  options.tcp.buffer_bytes = 3000;
  options.faults = {.short_count = 0.3,
                    .would_block = 0.1,
                    .interrupted = 0.1,
                    .no_descriptors = 0.01,
                    .no_memory = 0.01,
                    .aborted = 0.02,
                    .spurious = 0.1,
                    .loss = 0.03,
                    .reset = 0.002};
  SimNetwork network(options);
  Journal journal(&network);
  SimHost* const server = network.AddHost("server");
  server->Start(
      [&](SimHost* host) { return std::make_unique<Server>(host, &journal); });
  const auto new_client = [&](SimHost* host) {
    return std::make_unique<Client>(host, &journal, server->address(kPort));
  };
  SimHost* const near = network.AddHost("near");
  SimHost* const far = network.AddHost("far");
  network.SetLink(server, far,
                  {.latency = absl::Milliseconds(40),
                   .jitter = absl::Milliseconds(10),
                   .bytes_per_second = 70'000});
  near->SetDrift(500);
  far->SetDrift(-300);
  near->Start(new_client);
  far->Start(new_client);

  const auto at = [&](absl::Duration when, absl::AnyInvocable<void() &&> what) {
    network.At(network.now() + when, std::move(what));
  };
  at(absl::Milliseconds(300), [&] { network.Partition(server, far); });
  at(absl::Milliseconds(900), [&] { network.Heal(server, far); });
  at(absl::Milliseconds(950), [&] { far->StepWall(absl::Hours(-5)); });
  network.RunFor(absl::Milliseconds(1300));
  (void)network.RunUntil(
      [&] { return static_cast<Server*>(server->program())->is_busy(); },
      absl::Minutes(10));
  server->Crash();
  network.RunFor(absl::Milliseconds(2500));
  server->Restart();
  near->Crash();
  near->Restart();
  network.RunFor(absl::Minutes(10));
  return absl::StrCat("== seed ", seed, "\n", network.trace(), "--\n",
                      journal.text());
}

}  // namespace
}  // namespace sluice

int main() {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::fputs(sluice::RunWorld(seed).c_str(), stdout);
  }
}

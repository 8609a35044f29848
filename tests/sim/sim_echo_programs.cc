#include "sluice/tests/sim/sim_echo_programs.h"

#include <algorithm>
#include <utility>

#include "gtest/gtest.h"
#include "sluice/base/check.h"

namespace sluice {

EventLoop::Options SmallLoopOptions(size_t receive_buffer) {
  EventLoop::Options options;
  options.receive_buffer_size = receive_buffer;
  options.max_posted = 64;
  return options;
}

// ---------------------------------------------------------------------------
// The server
// ---------------------------------------------------------------------------

SimEchoServer::SimEchoServer(SimNetwork* network, SimHost* host,
                             const Options& options,
                             const NewHandler* new_handler,
                             HandlerCounts* counts)
    : host_(*host),
      counts_(*counts),
      made_before_(counts->made),
      closed_before_(counts->closed),
      consumed_before_(counts->consumed) {
  for (int i = 0; i < options.loops; ++i) {
    loops_.push_back(host->NewLoop(SmallLoopOptions(options.receive_buffer)));
  }
  const SimFaults faults = std::exchange(network->faults(), {});
  std::vector<EventLoop*> serving = loops_;
  if (options.model == ThreadModel::kSingleLoop) serving.resize(1);
  auto server = TcpServer::Start(
      &host->platform(), serving, host->address(kSimEchoPort),
      [new_handler, counts](const SocketAddress&) {
        return std::make_unique<WatchedHandler>((*new_handler)(), counts);
      },
      {.thread_model = options.model,
       .max_connections = options.max_connections,
       .connection = options.connection});
  network->faults() = faults;
  SLUICE_CHECK(server.ok());
  server_ = *std::move(server);
}

SimEchoServer::~SimEchoServer() = default;

void SimEchoServer::Drain(MonotonicTime deadline) {
  // A drain that is under way may be brought forward, but not postponed.
  deadline_ = unanswered_ == 0 ? deadline : std::min(deadline_, deadline);
  ++unanswered_;
  server_->Drain(deadline, [this, answered = false](size_t forced) mutable {
    EXPECT_FALSE(std::exchange(answered, true)) << "a drain is answered twice";
    --unanswered_;
    const absl::Duration tick = loops_.front()->timers()->tick();
    EXPECT_LE(host_.platform().clock->Now(), deadline_ + tick)
        << "a drain ends late";
    forced_ = forced;
  });
}

TcpServer::LoopStats SimEchoServer::stats() const {
  TcpServer::LoopStats sum;
  for (const TcpServer::LoopStats& loop : server_->stats()) {
    sum.accepted += loop.accepted;
    sum.refused += loop.refused;
    sum.open += loop.open;
    sum.bytes_in += loop.bytes_in;
    sum.bytes_out += loop.bytes_out;
  }
  return sum;
}

void SimEchoServer::ExpectCountersAgree() const {
  const TcpServer::LoopStats sum = stats();
  const uint64_t made = counts_.made - made_before_;
  const uint64_t closed = counts_.closed - closed_before_;
  EXPECT_EQ(sum.accepted, made);
  EXPECT_EQ(sum.refused, 0u);
  EXPECT_EQ(sum.open, made - closed);
  // A stream that closes discards input.
  EXPECT_GE(sum.bytes_in, counts_.consumed - consumed_before_);
  EXPECT_LE(sum.bytes_out, sum.bytes_in);
}

void SimEchoServer::Stop() { server_.reset(); }

size_t SimEchoServer::timers() const {
  size_t timers = 0;
  for (EventLoop* const loop : loops_) timers += loop->timers()->size();
  return timers;
}

// ---------------------------------------------------------------------------
// The load client
// ---------------------------------------------------------------------------

SimLoadClient::SimLoadClient(SimHost* host, const LoadGenerator::Options& load)
    : loop_(host->NewLoop(SmallLoopOptions())),
      generator_(&host->platform(), loop_, load) {
  generator_.Start([this] {
    EXPECT_FALSE(done_);
    done_ = true;
  });
}

SimLoadClient::~SimLoadClient() = default;

size_t SimLoadClient::timers() const { return loop_->timers()->size(); }

}  // namespace sluice

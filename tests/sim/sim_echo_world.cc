#include "sluice/tests/sim/sim_echo_world.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/net/tcp/thread_model.h"

namespace sluice {
namespace {

constexpr size_t kBufferBytes = 3000;
constexpr size_t kPacketBytes = 65;  // a packet with one byte of data

constexpr absl::Duration kLong = absl::Hours(1);

SimEchoServer::Options DrawServer(SimRandom* random) {
  constexpr std::array<ThreadModel, 2> kModels = {ThreadModel::kSingleLoop,
                                                  ThreadModel::kReusePort};
  SimEchoServer::Options server;
  server.model = kModels[random->Below(kModels.size())];
  server.loops = 1 + static_cast<int>(random->Below(4));
  server.receive_buffer = 256 + random->Below(4000);
  server.connection.high_water = random->Below(6000);
  server.connection.low_water = random->Below(server.connection.high_water + 1);
  server.connection.idle_timeout = absl::InfiniteDuration();
  return server;
}

LoadGenerator::Options DrawLoad(SimRandom* random) {
  constexpr uint64_t kMostBytes = 40'000;
  LoadGenerator::Options load;
  load.connections = 1 + random->Below(5);
  load.message_size = 1 + random->Below(random->Below(2) == 0 ? 100 : 8000);
  load.pipeline = 1 + random->Below(6);
  load.connect_timeout = kLong;
  load.timeout = kLong;
  load.close_timeout = kLong;
  load.schedule.messages =
      1 + random->Below(std::min<uint64_t>(40, kMostBytes / load.message_size));
  return load;
}

SimNetwork::Link DrawLink(SimRandom* random) {
  SimNetwork::Link link;
  link.latency = random->UpTo(absl::Milliseconds(20));
  if (random->Below(2) == 0) link.jitter = random->UpTo(2 * link.latency);
  if (random->Below(2) == 0) {
    link.bytes_per_second =
        static_cast<double>(50'000 + random->Below(1 << 20));
  }
  return link;
}

}  // namespace

SimTestWorlds HarmlessWorlds(int seeds, bool loss) {
  SimTestWorlds worlds;
  worlds.seeds = seeds;
  worlds.most.faults.short_count = 0.5;
  worlds.most.faults.would_block = 0.2;
  worlds.most.faults.interrupted = 0.2;
  worlds.most.faults.spurious = 0.1;
  worlds.most.faults.loss = loss ? 0.05 : 0;
  worlds.most.tcp.buffer_bytes = kBufferBytes;
  return worlds;
}

SimTestWorlds FailingWorlds(int seeds) {
  SimTestWorlds worlds = HarmlessWorlds(seeds, /*loss=*/true);
  worlds.most.faults.reset = 0.05;
  worlds.most.faults.aborted = 0.3;
  worlds.most.faults.no_descriptors = 0.3;
  worlds.most.faults.no_memory = 0.3;
  return worlds;
}

SimEchoWorld::SimEchoWorld(SimNetwork* network)
    : network_(*network),
      random_(~network->seed() * 3),
      server_host_(*network->AddHost("server")),
      client_host_(*network->AddHost("client")) {
  shape_.server = DrawServer(&random_);
  shape_.load = DrawLoad(&random_);
  shape_.load.server = server_host_.address(kSimEchoPort);
  shape_.link = DrawLink(&random_);
  shape_.loss = network->faults().loss > 0;
}

SimEchoWorld::~SimEchoWorld() {
  if (client_host_.is_up()) client_host_.Crash();
  if (server_host_.is_up()) server_host_.Crash();
}

void SimEchoWorld::StartServer() {
  StartServer([] { return std::make_unique<EchoHandler>(); });
}

void SimEchoWorld::StartServer(SimEchoServer::NewHandler new_handler) {
  new_handler_ = std::move(new_handler);
  network_.SetLink(&server_host_, &client_host_, shape_.link);
  server_host_.Start([this](SimHost* host) {
    return std::make_unique<SimEchoServer>(&network_, host, shape_.server,
                                           &new_handler_, &counts_);
  });
}

void SimEchoWorld::StartClient() {
  StartClient([this](SimHost* host) {
    return std::make_unique<SimLoadClient>(host, shape_.load);
  });
}

void SimEchoWorld::StartClient(SimHost::NewProgram new_client) {
  client_host_.Start(std::move(new_client));
}

SimEchoServer& SimEchoWorld::server() {
  return *static_cast<SimEchoServer*>(server_host_.program());
}

SimLoadClient& SimEchoWorld::client() {
  return *static_cast<SimLoadClient*>(client_host_.program());
}

bool SimEchoWorld::client_done() const {
  return client_host_.is_up() &&
         static_cast<SimClient*>(client_host_.program())->done();
}

size_t SimEchoWorld::client_timers() const {
  return static_cast<SimClient*>(client_host_.program())->timers();
}

MonotonicTime SimEchoWorld::Sometime(absl::Duration most) {
  // Early times are more likely, because most worlds end long before `most`.
  return network_.now() + random_.UpTo(most / (1 << random_.Below(10)));
}

void SimEchoWorld::DisturbClocks(absl::Duration within) {
  constexpr uint64_t kFifth = 200'000;  // of a million
  for (uint64_t i = random_.Below(4); i > 0; --i) {
    SimHost* const host = random_.Below(2) == 0 ? &server_host_ : &client_host_;
    const MonotonicTime time = Sometime(within);
    if (random_.Below(2) == 0) {
      const absl::Duration step =
          random_.UpTo(absl::Hours(48)) - absl::Hours(24);
      network_.At(time, [host, step] { host->StepWall(step); });
    } else {
      const int drift = static_cast<int>(random_.Below(2 * kFifth + 1)) -
                        static_cast<int>(kFifth);
      network_.At(time, [host, drift] { host->SetDrift(drift); });
    }
  }
}

absl::Duration SimEchoWorld::TimeFor(uint64_t bytes, uint64_t window) const {
  const SimNetwork::Link& link = shape_.link;
  absl::Duration one_way = link.latency + link.jitter + absl::Microseconds(1);
  if (link.bytes_per_second > 0) {
    // In the worst case each byte is in a packet of its own, behind other
    // packets.
    one_way +=
        absl::Seconds(kPacketBytes * kBufferBytes / link.bytes_per_second);
  }
  const uint64_t at_once = std::clamp<uint64_t>(window, 1, kBufferBytes);
  const auto windows = static_cast<int64_t>(bytes / at_once + 4);
  const absl::Duration again =
      shape_.loss ? absl::Milliseconds(500) : absl::ZeroDuration();
  return 4 * windows * (one_way + again) +
         (shape_.loss ? absl::Minutes(2) : absl::Milliseconds(1));
}

absl::Duration SimEchoWorld::MostTime() const {
  const LoadGenerator::Options& load = shape_.load;
  return TimeFor(load.schedule.messages * load.message_size,
                 load.pipeline * load.message_size);
}

void SimEchoWorld::ExpectAllServed() {
  const LoadResults& results = client().results();
  EXPECT_TRUE(results.ok()) << ErrorsToText(results);
  EXPECT_EQ(results.connections, shape_.load.connections);
  EXPECT_EQ(results.messages(), shape_.load.schedule.messages);
  EXPECT_EQ(counts_.opened, shape_.load.connections);
  const TcpServer::LoopStats stats = server().stats();
  EXPECT_EQ(stats.bytes_in, results.bytes());
  EXPECT_EQ(stats.bytes_out, results.bytes());
  EXPECT_EQ(stats.accepted, shape_.load.connections);
}

void SimEchoWorld::ExpectNoWrongByte() {
  const auto& wrong =
      client().results().errors[static_cast<size_t>(LoadError::kWrongByte)];
  EXPECT_EQ(wrong.connections, 0u) << wrong.first;
}

void SimEchoWorld::ExpectOutputBounded() {
  // EchoHandler documents this bound.
  EXPECT_LE(counts_.most_pending,
            shape_.server.connection.high_water + shape_.server.receive_buffer);
}

void SimEchoWorld::StopAndExpectNothingLeft() {
  server().ExpectCountersAgree();
  server().Stop();
  const absl::Duration idle = shape_.server.connection.idle_timeout;
  network_.RunFor(idle == absl::InfiniteDuration() ? absl::Milliseconds(1)
                                                   : 2 * idle);
  EXPECT_EQ(counts_.made, counts_.closed);
  EXPECT_EQ(counts_.made, counts_.destroyed);
  EXPECT_EQ(server().timers(), 0u);
  EXPECT_EQ(client_timers(), 0u);
  EXPECT_EQ(server_host_.open_descriptors(), 0u);
  EXPECT_EQ(client_host_.open_descriptors(), 0u);
}

}  // namespace sluice

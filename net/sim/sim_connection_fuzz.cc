#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/testing/fuzz_input.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_wire.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr size_t kMaxClients = 4;
constexpr uint64_t kMaxWritten = 32 * 1024;  // by each of them
constexpr uint64_t kClientOffset = 123'457;  // makes the bytes differ
constexpr size_t kReceiveBuffer = 4096;
constexpr int kMaxChoices = 500;

static_assert(kMaxClients * kClientOffset + kMaxWritten <= kManyBytes);

// The state of one end of a connection. Outlives the end.
struct End {
  bool alive() const { return stream != nullptr; }
  // Returns true if the end has closed the connection for its own reason.
  bool gave_up() const {
    switch (reason) {
      case CloseReason::kNormal:
      case CloseReason::kPeerReset:
      case CloseReason::kIoError:
        return destroyed;
      default:
        return true;
    }
  }

  bool is_server = false;
  SocketAddress client_address;
  uint64_t offset = 0;  // in ManyBytes(), of the first byte in each direction
  bool offset_known = false;
  Stream* stream = nullptr;                          // null after its end
  size_t bite = std::numeric_limits<size_t>::max();  // most bytes per OnInput()
  uint64_t written = 0;                              // before ShutdownWrite()
  uint64_t consumed = 0;
  uint64_t offered = 0;
  bool finished = false;
  bool aborted = false;
  bool destroyed = false;
  bool opened = false;
  bool input_ended = false;
  bool draining = false;
  bool active_at_end = false;  // since FinishAll()
  int closed = 0;
  CloseReason reason = CloseReason::kNormal;
};

// Clients and an echo server in a simulated world. The input chooses their
// actions, and the faults of the world and of their hosts.
class World {
 public:
  World(FuzzInput* input, bool trace);
  ~World();

  // Returns the first violation.
  absl::Status Run() {
    for (int i = 0; i < kMaxChoices && !input_.empty() && failed_.ok(); ++i) {
      Choose();
      CheckBounds();
    }
    if (failed_.ok()) FinishAll();
    if (failed_.ok()) CheckEnds();
    return failed_;
  }
  const std::string& trace() const { return network_.trace(); }

 private:
  struct Client {
    std::unique_ptr<TcpConnector> connector;
    std::unique_ptr<StreamHandler> handler;
    std::unique_ptr<TcpConnection> connection;
    End* end = nullptr;
  };
  class Handler;
  class ServerProgram;
  class ClientProgram;

  // -- The world --

  absl::Duration AnyDuration() {
    return absl::Microseconds(int64_t{1} << input_.Below(27));  // up to 67 s
  }
  SimNetwork::Link AnyLink() {
    SimNetwork::Link link;
    link.latency = absl::Microseconds(input_.Number(2));
    link.jitter = absl::Microseconds(input_.Number(2));
    if (input_.Bool()) {
      slow_ = true;
      link.bytes_per_second = static_cast<double>(4096 << input_.Below(12));
    }
    return link;
  }
  SimNetwork::Options NetworkOptions(bool trace) {
    SimNetwork::Options options;
    options.trace = trace;
    options.seed = input_.Number(2);
    options.link = AnyLink();
    options.tcp.buffer_bytes = 512 + input_.Number(2);
    return options;
  }
  ConnectionOptions ConnectionOptionsOf() {
    ConnectionOptions options;
    options.high_water = 1 + input_.Number(2);
    options.low_water = options.high_water / 2;
    options.idle_timeout = absl::Seconds(1 + input_.Number(1));
    if (input_.Below(4) == 1) options.max_input = 1 + input_.Number(2);
    if (input_.Below(4) == 1) {
      options.max_output = options.high_water + input_.Number(2);
    }
    return options;
  }
  // Small buffers, because each input creates some loops.
  static EventLoop::Options LoopOptions() {
    EventLoop::Options options;
    options.receive_buffer_size = kReceiveBuffer;
    options.max_posted = 64;
    return options;
  }
  void StartServer();
  void ChangeFault();
  void ChangePartition();
  SimHost* AnyHost() { return input_.Bool() ? server_host_ : client_host_; }
  void CrashOrRestart(SimHost* host);
  void ChangeDrift(SimHost* host);
  void StepWall(SimHost* host);

  // -- Actions --

  void Choose();
  void ChooseRarely();
  void Act(End& end);
  void Connect();
  void OnConnected(Client& client, absl::StatusOr<Socket> socket);
  void Write(End& end, size_t size);
  void ShutdownWrite(End& end);
  void Abort(End& end);
  void Destroy(Client& client);
  void Drain();
  void FinishAll();

  // -- Checks --

  void Expect(bool holds, absl::string_view what) {
    if (!holds && failed_.ok()) failed_ = absl::InternalError(what);
  }
  void Expect(bool holds, absl::string_view what, const End& end);
  void CheckBounds();
  void CheckEnds();
  void CheckPair(const End& client, const End* server);
  // Returns the other end; nullptr if there was none.
  End* PeerOf(const End& end);
  bool AllEnded() const;

  FuzzInput& input_;
  absl::Status failed_;
  bool faulty_ = false;  // a fault may have occurred
  bool slow_ = false;    // an end may have waited for a second
  SimNetwork network_;
  SimHost* server_host_;
  SimHost* client_host_;
  EventLoop* client_loop_ = nullptr;  // null while the host is down
  ConnectionOptions connection_options_;
  std::optional<ConnectionContext> client_context_;
  std::vector<std::unique_ptr<End>> ends_;
  std::vector<Client> clients_ = std::vector<Client>(kMaxClients);
  size_t connects_ = 0;
  std::unique_ptr<TcpServer> server_;
  bool partitioned_ = false;
  bool finishing_ = false;
  int drains_asked_ = 0;
  int drains_done_ = 0;
};

// The handler of both ends; a server's handler echoes.
class World::Handler final : public StreamHandler {
 public:
  Handler(World* world, End* end) : world_(*world), end_(*end) {}

  void OnOpen(Stream& stream) override {
    world_.Expect(!end_.opened, "OnOpen() comes once", end_);
    end_.opened = true;
    end_.stream = &stream;
    Called();
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    Called();
    world_.Expect(!input.empty(), "OnInput() has bytes", end_);
    FindOffset();
    world_.Expect(ManyBytes().compare(end_.offset + end_.consumed, input.size(),
                                      input) == 0,
                  "bytes are as they were written", end_);
    end_.offered = end_.consumed + input.size();
    end_.active_at_end |= world_.finishing_;
    input = input.substr(0, end_.bite);
    end_.consumed += input.size();
    if (end_.is_server && !input.empty()) {
      if (end_.finished) return input.size();  // reads to the end
      end_.written += input.size();
      if (stream.Write(input) == Stream::WriteResult::kFull) {
        stream.PauseReading();
      }
    }
    return input.size();
  }
  void OnInputEnd(Stream& stream) override {
    Called();
    world_.Expect(!end_.input_ended, "OnInputEnd() comes once", end_);
    end_.input_ended = true;
    end_.finished = true;
    stream.ShutdownWrite();
  }
  void OnWritable(Stream& stream) override {
    Called();
    stream.ResumeReading();
  }
  void OnTimeout(Stream&) override { world_.Abort(end_); }
  void OnDraining(Stream& stream) override {
    Called();
    end_.draining = true;
    end_.finished = true;
    stream.CloseAfterFlush();
  }
  void OnClosed(Stream&, absl::Status why, CloseReason reason) override {
    end_.reason = reason;
    world_.Expect(++end_.closed == 1, "OnClosed() comes once", end_);
    world_.Expect(why.ok() == (reason == CloseReason::kNormal),
                  "OnClosed() is OK if and only if it is done", end_);
    world_.Expect(end_.aborted || reason != CloseReason::kAborted,
                  "only the handler aborts", end_);
    world_.Expect(world_.faulty_ || world_.slow_ || !end_.active_at_end ||
                      reason != CloseReason::kIdleTimeout,
                  "no end stalls", end_);
    end_.stream = nullptr;
  }

 private:
  void Called() {
    world_.Expect(end_.opened && end_.closed == 0 && !end_.destroyed,
                  "calls come between OnOpen() and OnClosed()", end_);
  }
  void FindOffset() {
    if (end_.offset_known) return;
    const End* const peer = world_.PeerOf(end_);
    world_.Expect(peer != nullptr, "bytes come from a client", end_);
    if (peer != nullptr) end_.offset = peer->offset;
    end_.offset_known = true;
  }

  World& world_;
  End& end_;
};

// A crash destroys it, and its counts are lost with it.
class World::ServerProgram final : public SimProgram {
 public:
  explicit ServerProgram(World* world) : world_(*world) {
    world_.StartServer();
  }
  ~ServerProgram() override {
    world_.server_.reset();
    world_.drains_done_ = world_.drains_asked_;  // the rest will not be done
  }

 private:
  World& world_;
};

class World::ClientProgram final : public SimProgram {
 public:
  explicit ClientProgram(World* world) : world_(*world) {
    world_.client_loop_ = world_.client_host_->NewLoop(LoopOptions());
    world_.client_context_.emplace(world_.client_loop_,
                                   world_.connection_options_);
  }
  ~ClientProgram() override {
    for (Client& client : world_.clients_) world_.Destroy(client);
    world_.client_context_.reset();
    world_.client_loop_ = nullptr;
  }

 private:
  World& world_;
};

// ---------------------------------------------------------------------------
// The world
// ---------------------------------------------------------------------------

World::World(FuzzInput* input, bool trace)
    : input_(*input), network_(NetworkOptions(trace)) {
  server_host_ = network_.AddHost("server");
  client_host_ = network_.AddHost("client");
  connection_options_ = ConnectionOptionsOf();
  server_host_->Start(
      [this](SimHost*) { return std::make_unique<ServerProgram>(this); });
  client_host_->Start(
      [this](SimHost*) { return std::make_unique<ClientProgram>(this); });
}

World::~World() {
  for (Client& client : clients_) Destroy(client);
  server_.reset();
  network_.RunFor(absl::Seconds(1));  // it ends on its loops
  // The programs use this world.
  for (SimHost* const host : {server_host_, client_host_}) {
    if (host->is_up()) host->Crash();
  }
}

void World::StartServer() {
  std::vector<EventLoop*> loops = {server_host_->NewLoop(LoopOptions())};
  TcpServer::Options options;
  options.connection = connection_options_;
  if (input_.Bool()) {
    options.thread_model = ThreadModel::kReusePort;
    loops.push_back(server_host_->NewLoop(LoopOptions()));
  }
  if (input_.Bool()) {
    options.max_connections = 1;
    slow_ = true;
  }
  auto server = TcpServer::Start(
      &server_host_->platform(), loops, server_host_->address(7),
      [this](const SocketAddress& peer) {
        auto end = std::make_unique<End>();
        end->is_server = true;
        end->client_address = peer;
        ends_.push_back(std::move(end));
        return std::make_unique<Handler>(this, ends_.back().get());
      },
      options);
  const SimFaults& faults = network_.faults();
  Expect(server.ok() || faults.no_descriptors > 0 || faults.no_memory > 0,
         "the server starts");
  if (server.ok()) server_ = *std::move(server);
}

void World::ChangeFault() {
  static constexpr double SimFaults::*kFaults[] = {
      &SimFaults::short_count, &SimFaults::would_block,
      &SimFaults::interrupted, &SimFaults::spurious,
      &SimFaults::stall,       &SimFaults::no_descriptors,
      &SimFaults::no_memory,   &SimFaults::aborted,
      &SimFaults::loss,        &SimFaults::reset};
  constexpr size_t kHarmless = 5;  // the first ones, for any connection
  const size_t choice = input_.Below(std::size(kFaults));
  const double probability = static_cast<double>(input_.Number(1)) / 512;
  network_.faults().*kFaults[choice] = probability;
  if (choice >= kHarmless && probability > 0) faulty_ = true;
}

void World::ChangePartition() {
  partitioned_ = !partitioned_;
  faulty_ = true;
  if (partitioned_) {
    network_.Partition(server_host_, client_host_);
  } else {
    network_.Heal(server_host_, client_host_);
  }
}

void World::CrashOrRestart(SimHost* host) {
  faulty_ = true;
  if (host->is_up()) {
    host->Crash();
  } else {
    host->Restart();
  }
}

void World::ChangeDrift(SimHost* host) {
  const int drift = static_cast<int>(input_.Number(2)) - (1 << 15);
  host->SetDrift(15 * drift);  // not quite half of a million
}

void World::StepWall(SimHost* host) {
  const absl::Duration step = AnyDuration();
  host->StepWall(input_.Bool() ? step : -step);
}

// ---------------------------------------------------------------------------
// Actions
// ---------------------------------------------------------------------------

void World::Choose() {
  switch (input_.Below(16)) {
    case 0:
      return Connect();
    case 1:
      return ChangeFault();
    case 2:
      return ChangePartition();
    case 3:
      return network_.SetLink(server_host_, client_host_, AnyLink());
    case 4:
      return ChooseRarely();
    case 5:
      if (input_.Below(8) == 1) server_.reset();
      return;
    case 6:
      return Destroy(clients_[input_.Below(kMaxClients)]);
    case 7:
    case 8:
      return network_.RunFor(AnyDuration());
    case 9:
      for (uint64_t i = input_.Number(1); i > 0; --i) network_.Step();
      return;
    default:
      if (!ends_.empty()) Act(*ends_[input_.Below(ends_.size())]);
  }
}

void World::ChooseRarely() {
  switch (input_.Below(8)) {
    case 1:
      return Drain();
    case 2:
      return CrashOrRestart(server_host_);
    case 3:
      return CrashOrRestart(client_host_);
    case 4:
      return ChangeDrift(AnyHost());
    case 5:
      return StepWall(AnyHost());
    default:
      return;
  }
}

void World::Act(End& end) {
  if (!end.alive()) return;
  switch (input_.Below(12)) {
    case 0:
      return ShutdownWrite(end);
    case 1:
      return Abort(end);
    case 2:
      return end.stream->PauseReading();
    case 3:
      return end.stream->ResumeReading();
    case 4:
      return end.stream->Cork();
    case 5:
      return end.stream->SetTimeout(AnyDuration());
    case 6:
      end.bite = input_.Number(2);
      return;
    case 7: {
      // Posted after the loop's other tasks.
      const size_t size = input_.Number(2);
      (void)end.stream->handle().Post(
          [this, &end, size](Stream&) { Write(end, size); });
      return;
    }
    case 8:
      (void)end.stream->HasUnreadInput();
      (void)end.stream->peer();
      return;
    default:
      return Write(end, input_.Number(2));
  }
}

void World::Connect() {
  if (connects_ == kMaxClients || client_loop_ == nullptr) return;
  Client& client = clients_[connects_++];
  client.connector = std::make_unique<TcpConnector>(
      &client_host_->platform(), client_loop_, server_host_->address(7),
      TcpConnector::Options{}, [this, &client](absl::StatusOr<Socket> socket) {
        OnConnected(client, std::move(socket));
      });
}

void World::OnConnected(Client& client, absl::StatusOr<Socket> socket) {
  const auto connector = std::move(client.connector);
  if (!socket.ok()) return;
  ends_.push_back(std::make_unique<End>());
  End* const end = client.end = ends_.back().get();
  const auto local = client_host_->platform().sockets->Address(
      socket->fd(), SocketApi::End::kLocal);
  Expect(local.ok(), "a connected socket has an address");
  if (!local.ok()) return;
  end->client_address = *local;
  end->offset = kClientOffset * static_cast<uint64_t>(&client - &clients_[0]);
  end->offset_known = true;
  client.handler = std::make_unique<Handler>(this, end);
  client.connection = std::make_unique<TcpConnection>(
      &*client_context_,
      client_host_->platform().new_transport(client_loop_, *std::move(socket)),
      client.handler.get());
  end->stream = client.connection.get();
  if (finishing_) ShutdownWrite(*end);
}

void World::Write(End& end, size_t size) {
  if (end.is_server || !end.alive() || end.finished) return;
  const absl::string_view bytes =
      absl::string_view(ManyBytes())
          .substr(end.offset + end.written,
                  std::min<uint64_t>(size, kMaxWritten - end.written));
  end.written += bytes.size();
  if (size % 2 == 0) {
    end.stream->Write(bytes);
  } else {
    end.stream->Write(absl::Cord(bytes));
  }
}

void World::ShutdownWrite(End& end) {
  if (!end.alive()) return;
  end.finished = true;
  end.stream->ShutdownWrite();
}

void World::Abort(End& end) {
  if (!end.alive()) return;
  end.aborted = true;
  end.stream->Abort(absl::CancelledError("the input says so"));
}

void World::Destroy(Client& client) {
  client.connector.reset();
  if (client.end != nullptr && client.end->alive()) {
    client.end->destroyed = true;
    client.end->stream = nullptr;
  }
  client.connection.reset();
}

void World::Drain() {
  if (server_ == nullptr) return;
  ++drains_asked_;
  server_->Drain(server_host_->platform().clock->Now() + absl::Seconds(5),
                 [this](size_t) { ++drains_done_; });
}

// Switches all faults off, and ends all connections.
void World::FinishAll() {
  finishing_ = true;
  network_.faults() = {};
  if (partitioned_) ChangePartition();
  for (SimHost* const host : {server_host_, client_host_}) {
    host->SetDrift(0);
    if (!host->is_up()) host->Restart();
  }
  for (const auto& end : ends_) {
    end->bite = std::numeric_limits<size_t>::max();
    if (!end->alive()) continue;
    end->stream->ResumeReading();
    if (end->is_server) continue;
    Write(*end, 1);  // so that each end hears of the other
    ShutdownWrite(*end);
  }
  Expect(network_.RunUntil([this] { return AllEnded(); }, absl::Hours(1)),
         "every connection ends");
  if (server_ == nullptr) return;
  Drain();
  Expect(network_.RunUntil([this] { return drains_done_ == drains_asked_; },
                           absl::Seconds(5)),
         "a drain ends by its deadline");
  server_.reset();
}

bool World::AllEnded() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const Client& c) { return c.connector == nullptr; }) &&
         std::all_of(ends_.begin(), ends_.end(), [](const auto& end) {
           return end->closed > 0 || end->destroyed;
         });
}

// ---------------------------------------------------------------------------
// Checks
// ---------------------------------------------------------------------------

void World::Expect(bool holds, absl::string_view what, const End& end) {
  if (holds) return;
  Expect(false, absl::StrCat(
                    what, ": the ", end.is_server ? "server" : "client",
                    "'s end of ", end.client_address.ToString(), " (written ",
                    end.written, ", offered ", end.offered, ", consumed ",
                    end.consumed, ", ended: ",
                    end.closed > 0 ? CloseReasonName(end.reason) : "no", ")"));
}

void World::CheckBounds() {
  for (const auto& end : ends_) {
    if (!end->alive()) continue;
    Expect(end->stream->pending_output() <= connection_options_.max_output,
           "output is bounded", *end);
    Expect(end->offered - end->consumed <=
               connection_options_.max_input + kReceiveBuffer,
           "input is bounded", *end);
  }
}

void World::CheckEnds() {
  network_.RunFor(absl::Minutes(1));
  for (Client& client : clients_) client.connection.reset();
  client_context_.reset();
  Expect(server_host_->open_descriptors() == 0, "the server leaves nothing");
  Expect(client_host_->open_descriptors() == 0, "the clients leave nothing");
  for (const auto& end : ends_) {
    Expect((end->closed == 1) != end->destroyed, "OnClosed() comes", *end);
    if (!end->is_server) CheckPair(*end, PeerOf(*end));
  }
}

void World::CheckPair(const End& client, const End* server) {
  if (server == nullptr) {
    Expect(client.consumed == 0, "no echo without a server", client);
    return;
  }
  Expect(client.offered <= server->written, "no byte is added", client);
  Expect(server->offered <= client.written, "no byte is added", *server);
  const bool client_done = client.closed > 0 && !client.gave_up() &&
                           client.reason == CloseReason::kNormal;
  const bool server_done =
      server->closed > 0 && server->reason == CloseReason::kNormal;
  if (client_done) {
    Expect(client.offered == server->written, "all echoes come", client);
  }
  if (server_done && !server->draining) {
    Expect(server->offered == client.written, "all bytes come", *server);
  }
  if (!faulty_ && !server->draining && !client.gave_up() &&
      !server->gave_up()) {
    Expect(client_done, "where nothing fails a connection is done", client);
    Expect(server_done, "where nothing fails a connection is done", *server);
  }
}

End* World::PeerOf(const End& end) {
  for (const auto& other : ends_) {
    if (other->is_server != end.is_server &&
        other->client_address == end.client_address) {
      return other.get();
    }
  }
  return nullptr;
}

absl::Status RunInput(const uint8_t* data, size_t size, bool trace) {
  FuzzInput input(data, size);
  World world(&input, trace);
  const absl::Status status = world.Run();
  if (trace) std::fprintf(stderr, "%s", world.trace().c_str());
  return status;
}

}  // namespace
}  // namespace sluice

// The bytes are the seed and the limits of a world, and then the events in it.
// A failing input runs again, to print the trace.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::Status status = sluice::RunInput(data, size, /*trace=*/false);
  if (status.ok()) return 0;
  (void)sluice::RunInput(data, size, /*trace=*/true);
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

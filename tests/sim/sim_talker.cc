#include "sluice/tests/sim/sim_talker.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/net/sim/sim_random.h"

namespace sluice {
namespace {

const BytePattern& Pattern() {
  static const BytePattern& bytes = *new BytePattern(/*seed=*/1);
  return bytes;
}

}  // namespace

class SimTalker::Handler final : public StreamHandler {
 public:
  explicit Handler(SimTalker* talker) : talker_(*talker) {}

  void OnOpen(Stream& stream) override {
    talker_.opened_ = true;
    if (talker_.options_.silent_at == 0) return stream.PauseReading();
    talker_.WriteMore(stream);
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    talker_.OnReceived(stream, input);
    return input.size();
  }
  void OnWritable(Stream& stream) override { talker_.WriteMore(stream); }
  void OnTimeout(Stream& stream) override {
    // The loop has nothing else to do, so a timer is at most a tick late.
    const MonotonicTime now = talker_.host_.platform().clock->Now();
    EXPECT_GE(now, talker_.resume_at_) << "a timeout is early";
    EXPECT_LE(now, talker_.resume_at_ + talker_.loop_->timers()->tick())
        << "a timeout is late";
    stream.ResumeReading();
  }
  void OnClosed(Stream&, absl::Status why, CloseReason reason) override {
    if (reason == CloseReason::kIdleTimeout) talker_.OnIdle();
    talker_.ended_ = true;
    talker_.why_ = std::move(why);
    talker_.reason_ = reason;
  }

 private:
  SimTalker& talker_;
};

SimTalker::SimTalker(SimHost* host, EventLoop* loop, const Options& options,
                     HandlerCounts* counts)
    : host_(*host),
      loop_(loop),
      options_(options),
      counts_(*counts),
      context_(loop, options.connection),
      connector_(std::make_unique<TcpConnector>(
          &host->platform(), loop, options.server,
          TcpConnector::Options{.timeout = options.connect_timeout},
          [this](absl::StatusOr<Socket> socket) {
            OnConnected(std::move(socket));
          })) {}

SimTalker::~SimTalker() {
  if (handler_ != nullptr) handler_->Forget();
}

void SimTalker::OnConnected(absl::StatusOr<Socket> socket) {
  const auto connector = std::move(connector_);
  if (!socket.ok()) {
    ended_ = true;
    why_ = socket.status();
    reason_ = CloseReason::kIoError;
    return;
  }
  last_active_ = host_.platform().clock->Now();
  handler_ = std::make_unique<WatchedHandler>(std::make_unique<Handler>(this),
                                              &counts_);
  connection_ = std::make_unique<TcpConnection>(
      &context_, host_.platform().new_transport(loop_, *std::move(socket)),
      handler_.get());
}

void SimTalker::WriteMore(Stream& stream) {
  while (written_ < options_.bytes) {
    const absl::string_view bytes = Pattern().Bytes(
        0, written_,
        std::min<uint64_t>(options_.chunk, options_.bytes - written_));
    written_ += bytes.size();
    if (stream.Write(bytes) != Stream::WriteResult::kOk && options_.patient) {
      return;
    }
  }
  if (options_.half_close_early || options_.bytes == 0) stream.ShutdownWrite();
}

void SimTalker::OnIdle() {
  // The talker may have sent after last_active_, which ignores sent bytes.
  if (received_ < options_.bytes) return;
  const absl::Duration idle = options_.connection.idle_timeout;
  const absl::Duration was = host_.platform().clock->Now() - last_active_;
  EXPECT_GE(was, idle) << "an idle limit is early";
  EXPECT_LE(was, idle * 9 / 8 + loop_->timers()->tick())
      << "an idle limit is late";
}

void SimTalker::OnReceived(Stream& stream, absl::string_view input) {
  EXPECT_LE(received_ + input.size(), written_) << "more comes than was sent";
  EXPECT_EQ(Pattern().FirstDifference(0, received_, input), std::nullopt)
      << "a byte is wrong";
  received_ += input.size();
  since_pause_ += input.size();
  if (received_ >= options_.abort_at) {
    return stream.Abort(absl::AbortedError("abort_at was reached"));
  }
  last_active_ = host_.platform().clock->Now();
  if (received_ >= options_.silent_at) return stream.PauseReading();
  if (received_ == options_.bytes) stream.ShutdownWrite();
  if (since_pause_ >= options_.read_at_once &&
      options_.pause > absl::ZeroDuration()) {
    since_pause_ = 0;
    resume_at_ = host_.platform().clock->Now() + options_.pause;
    stream.PauseReading();
    stream.SetTimeout(options_.pause);
  }
}

// ---------------------------------------------------------------------------

SimTalkers::SimTalkers(SimHost* host,
                       const std::vector<SimTalker::Options>& options,
                       HandlerCounts* counts)
    : loop_(host->NewLoop(SmallLoopOptions())) {
  for (const SimTalker::Options& each : options) {
    talkers_.push_back(std::make_unique<SimTalker>(host, loop_, each, counts));
  }
}

bool SimTalkers::done() const {
  return std::all_of(talkers_.begin(), talkers_.end(),
                     [](const auto& talker) { return talker->ended(); });
}

size_t SimTalkers::timers() const { return loop_->timers()->size(); }

// ---------------------------------------------------------------------------

std::vector<SimTalker::Options> DrawSimTalkers(SimEchoWorld& world) {
  SimRandom& random = world.random();
  std::vector<SimTalker::Options> talkers(1 + random.Below(5));
  for (SimTalker::Options& talker : talkers) {
    talker.server = world.shape().load.server;
    talker.connection.back_pressure = false;  // the server has it
    talker.connection.high_water = random.Below(6000);
    talker.connection.low_water =
        random.Below(talker.connection.high_water + 1);
    talker.connection.idle_timeout = absl::InfiniteDuration();
    talker.bytes = random.Below(random.Below(2) == 0 ? 100 : 20'000);
    talker.chunk = 1 + random.Below(talker.bytes / 10 + 10);
    talker.patient = random.Below(2) == 0;
    talker.half_close_early = random.Below(4) > 0;
    talker.read_at_once = talker.bytes / 20 + 1 + random.Below(2000);
    if (random.Below(2) == 0) {
      talker.pause = random.UpTo(absl::Milliseconds(50));
    }
  }
  return talkers;
}

void StartSimTalkers(SimEchoWorld& world,
                     std::vector<SimTalker::Options> talkers,
                     HandlerCounts* counts) {
  world.StartClient([talkers = std::move(talkers), counts](SimHost* host) {
    return std::make_unique<SimTalkers>(host, talkers, counts);
  });
}

const std::vector<std::unique_ptr<SimTalker>>& SimTalkersOf(
    const SimEchoWorld& world) {
  return static_cast<const SimTalkers*>(world.client_host().program())
      ->talkers();
}

absl::Duration MostTimeOf(const SimEchoWorld& world,
                          const std::vector<SimTalker::Options>& talkers) {
  absl::Duration most = absl::Milliseconds(1);
  for (const SimTalker::Options& talker : talkers) {
    const auto pauses =
        static_cast<int64_t>(talker.bytes / talker.read_at_once + 1);
    most += world.TimeFor(talker.bytes, /*window=*/talker.bytes) +
            pauses * 1.25 * (talker.pause + absl::Milliseconds(1));
  }
  return most;
}

}  // namespace sluice

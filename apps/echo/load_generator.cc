#include "sluice/apps/echo/load_generator.h"

#include <algorithm>
#include <utility>

#include "sluice/base/check.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// The limit after Stop(): short, because a person waits, and longer than most
// round trips.
constexpr absl::Duration kStopTimeout = absl::Milliseconds(200);

}  // namespace

EventLoop::Options LoadGenerator::LoopOptions(const Options& options) {
  EventLoop::Options loop;
  // Room for all that a connection may have in flight, up to 256 KiB. Each
  // read and each write of the client costs the server's CPU a wake-up.
  loop.receive_buffer_size = static_cast<size_t>(std::clamp<uint64_t>(
      options.message_size * options.pipeline, 64 * 1024, 256 * 1024));
  if (options.schedule.rate > 0) loop.timer_tick = absl::Microseconds(20);
  if (options.read_rate > 0) {
    // Ten reads per second, or more.
    loop.receive_buffer_size = static_cast<size_t>(
        std::clamp<int64_t>(options.read_rate / 10, 1, 64 * 1024));
  }
  return loop;
}

LoadGenerator::LoadGenerator(const Platform* platform, EventLoop* loop,
                             Options options)
    : platform_(platform),
      loop_(loop),
      options_(std::move(options)),
      results_(std::make_unique<LoadResults>()),
      context_(loop, {.high_water = 0,
                      .low_water = 0,
                      .back_pressure = false,
                      .idle_timeout = absl::InfiniteDuration()}),
      shared_{.platform = platform,
              .loop = loop,
              .context = &context_,
              .owner = this,
              .pattern = &pattern_,
              .results = results_.get(),
              .message_size = options_.message_size,
              .pipeline = options_.pipeline,
              .read_rate = options_.read_rate,
              .logger = options_.logger},
      pace_timer_([this] { Pace(); }) {
  SLUICE_CHECK(options_.connections > 0 && options_.message_size > 0 &&
               options_.pipeline > 0);
  results_->message_size = options_.message_size;
}

void LoadGenerator::Start(absl::AnyInvocable<void() &&> done) {
  done_ = std::move(done);
  connections_.reserve(options_.connections);
  ConnectMore();
}

void LoadGenerator::ConnectMore() {
  while (connecting_ < kMaxConnecting &&
         connections_.size() < options_.connections) {
    const size_t number = connections_.size();
    connections_.push_back(
        std::make_unique<ClientConnection>(&shared_, number));
    ++connecting_;
    TcpConnector::Options options{.timeout = options_.connect_timeout};
    if (!options_.sources.empty()) {
      options.local = options_.sources[number % options_.sources.size()];
    }
    connections_.back()->Connect(options_.server, options);
  }
}

void LoadGenerator::OnConnectEnded(bool open) {
  --connecting_;
  if (open) ++open_;
  if (phase_ != Phase::kConnecting) return;
  ConnectMore();
  if (connecting_ == 0) Run();
}

void LoadGenerator::Run() {
  phase_ = Phase::kRunning;
  results_->connections = open_;
  if (open_ == 0) return Done();
  MessageSchedule::Options options = options_.schedule;
  options.connections = open_;
  const MonotonicTime start = Now();
  shared_.schedule = &schedule_.emplace(options, start);
  shared_.last_answer = start;
  begun_.reserve(open_);
  for (const auto& connection : connections_) {
    if (connection->open()) begun_.push_back(connection.get());
  }
  for (size_t i = 0; i < begun_.size(); ++i) begun_[i]->Begin(i);
  ArmForEnd();
  if (schedule_->open_loop()) Pace();
}

void LoadGenerator::ArmForEnd() {
  MonotonicTime end = schedule_->end();
  if (!schedule_->open_loop() && end == MonotonicTime::InfiniteFuture()) {
    end = shared_.last_answer + options_.timeout;
  }
  loop_->timers()->Arm(this, end);
}

void LoadGenerator::Pace() {
  const uint64_t due = schedule_->Due(Now());
  // If several messages of a connection became due, it is visited once.
  const uint64_t visits = std::min<uint64_t>(due - paced_, begun_.size());
  for (uint64_t i = 0; i < visits; ++i) {
    begun_[(paced_ + i) % begun_.size()]->Send(Now());
  }
  paced_ = due;
  const MonotonicTime next = schedule_->DueTime(due);
  if (next < schedule_->end()) loop_->timers()->Arm(&pace_timer_, next);
}

void LoadGenerator::Fire() {
  switch (phase_) {
    case Phase::kRunning:
      if (Now() >= schedule_->end()) {
        Await();
      } else if (Now() >= shared_.last_answer + options_.timeout) {
        Close();
      } else {
        ArmForEnd();
      }
      return;
    case Phase::kAwaiting:
      return Close();
    case Phase::kClosing:
      for (const auto& connection : connections_) {
        connection->Fail(LoadError::kCloseTimeout, "no FIN in answer to ours");
      }
      return;
    case Phase::kConnecting:
    case Phase::kDone:
      break;
  }
  SLUICE_CHECK(false);
}

void LoadGenerator::Stop() {
  if (phase_ == Phase::kDone) return;
  stopped_ = true;
  if (phase_ == Phase::kConnecting) {
    for (const auto& connection : connections_) connection->CancelConnect();
    results_->connections = open_;
    Close();
  } else if (phase_ == Phase::kRunning && !schedule_->exhausted()) {
    Await();
  } else {
    if (phase_ != Phase::kClosing) Close();
    if (phase_ != Phase::kDone) Done();
  }
}

void LoadGenerator::Await() {
  phase_ = Phase::kAwaiting;
  schedule_->Stop(Now());
  if (schedule_->open_loop()) Pace();
  if (shared_.in_flight == 0) return Close();
  loop_->Arm(this, AtMost(options_.timeout));
}

void LoadGenerator::OnNothingInFlight() {
  if (phase_ == Phase::kAwaiting ||
      (phase_ == Phase::kRunning && schedule_->exhausted())) {
    Close();
  }
}

void LoadGenerator::OnEnded() {
  --open_;
  if (phase_ == Phase::kDone) return;
  if (phase_ == Phase::kClosing) {
    if (open_ == 0) Done();
  } else if (phase_ != Phase::kConnecting && open_ == 0) {
    Close();
  } else if (shared_.in_flight == 0) {
    OnNothingInFlight();  // only the connection that ended waited for answers
  }
}

void LoadGenerator::Close() {
  phase_ = Phase::kClosing;
  pace_timer_.Cancel();
  if (schedule_.has_value()) {
    schedule_->Stop(Now());
    results_->unanswered = schedule_->Due(Now()) - shared_.answered;
    // The whole time counts, even if the server stops answering before the end.
    results_->elapsed =
        std::max(std::max(shared_.last_answer, schedule_->end()) -
                     schedule_->measured_from(),
                 absl::ZeroDuration());
  }
  for (const auto& connection : connections_) connection->ShutdownWrite();
  loop_->Arm(this, AtMost(options_.close_timeout));
  if (open_ == 0) Done();
}

void LoadGenerator::Done() {
  phase_ = Phase::kDone;
  Timer::Cancel();
  std::move(done_)();
}

MonotonicTime LoadGenerator::Now() const { return platform_->clock->Now(); }

absl::Duration LoadGenerator::AtMost(absl::Duration limit) const {
  return stopped_ ? std::min(limit, kStopTimeout) : limit;
}

}  // namespace sluice

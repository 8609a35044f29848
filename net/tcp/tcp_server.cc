#include "sluice/net/tcp/tcp_server.h"

#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/task.h"
#include "sluice/net/tcp/connection_limit.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

// Failures for a shorter time are not reported: they end by themselves, for
// example after a burst of connections.
constexpr absl::Duration kLongTrouble = absl::Seconds(1);

}  // namespace

// The state that the loops of a server share, until the last connection on any
// of them has ended. Thread-safe.
struct TcpServer::Shared {
  Shared(NewHandler handlers, Options* options)
      : new_handler(std::move(handlers)),
        on_accept_trouble(std::move(options->on_accept_trouble)),
        limit(options->max_connections) {}

  const NewHandler new_handler;
  const std::function<void(const absl::Status&)> on_accept_trouble;
  ConnectionLimit limit;
};

// A call of Drain(): collects the answers of the loops, and calls the caller on
// the first loop. Each loop that has not answered holds a reference. If a loop
// has ended without an answer, the last reference destroys the caller's
// callable.
class TcpServer::DrainSum final : public std::enable_shared_from_this<DrainSum>,
                                  private Task {
 public:
  DrainSum(size_t loops, EventLoop* first, Drained done)
      : first_(first), done_(std::move(done)), missing_(loops) {}

  // Any thread. Called once for each loop.
  void Add(size_t forced) {
    forced_.fetch_add(forced, std::memory_order_relaxed);
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    queued_ = shared_from_this();
    first_->Schedule(this);
  }

 private:
  void Run() override {
    const std::shared_ptr<DrainSum> self = std::move(queued_);
    std::move(done_)(forced_.load(std::memory_order_relaxed));
  }
  void Abandon() override { queued_.reset(); }

  EventLoop* const first_;
  Drained done_;
  std::atomic<size_t> missing_;
  std::atomic<size_t> forced_{0};
  std::shared_ptr<DrainSum> queued_;  // refers to this while it is queued
};

// The state of a server on one loop. Deletes itself, on the loop, when the
// server is gone and the last connection has ended. Loop-bound, except for
// stats() and the tasks that the server sends.
class TcpServer::Shard final : private ConnectionOwner, private Timer {
 public:
  Shard(const Platform* platform, EventLoop* loop,
        const ConnectionOptions& options, std::shared_ptr<Shared> shared)
      : platform_(platform),
        loop_(loop),
        shared_(std::move(shared)),
        context_(loop, options, this) {}
  ~Shard() override { StopListening(); }

  absl::Status Listen(const SocketAddress& address,
                      const TcpListener::Options& options);
  const SocketAddress& address() const { return listener_->address(); }

  // Any thread.
  void Drain(MonotonicTime deadline, std::shared_ptr<DrainSum> sum);
  void ServerGone();
  LoopStats stats() const;

 private:
  class DrainRequest;

  void OnAccept(Socket socket, const SocketAddress& peer);
  void OnAcceptFailure(const absl::Status& error);
  void EndAcceptTrouble();
  void OnEnded(TcpConnection* connection) override;
  void AcceptAgain() {
    if (listener_ != nullptr) listener_->Resume();
  }
  void StopListening();
  void StartDrain(MonotonicTime deadline, std::shared_ptr<DrainSum> sum);
  void Fire() override;  // the drain's deadline has passed
  // Returns how many connections had not ended yet.
  size_t CloseAll(const absl::Status& why, CloseReason reason);
  void EndIfDone();
  void End();

  const Platform* const platform_;
  EventLoop* const loop_;
  const std::shared_ptr<Shared> shared_;
  ConnectionContext context_;
  std::unique_ptr<TcpListener> listener_;  // null while draining
  // Unordered: the tag of a connection is its index. Each owns its handler too.
  std::vector<std::unique_ptr<TcpConnection>> connections_;
  size_t forced_ = 0;
  std::vector<std::shared_ptr<DrainSum>> drained_;  // calls that wait
  MonotonicTime accept_fails_since_;
  MonotonicTime last_accept_failure_ =
      MonotonicTime::FromNanos(std::numeric_limits<int64_t>::min() / 2);
  bool accept_trouble_reported_ = false;
  CallbackTimer end_accept_trouble_{[this] { EndAcceptTrouble(); }};
  bool draining_ = false;
  bool backlog_looked_at_ = false;  // since the drain began
  bool server_gone_ = false;
  MemberTask<&Shard::AcceptAgain> accept_again_{this};  // scheduled on room
  MemberTask<&Shard::End, &Shard::End> end_{this};

  Counter accepted_;
  Counter refused_;
  Counter accept_failures_;
  std::atomic<uint64_t> open_{0};
};

// A call of Drain() under way to a loop.
class TcpServer::Shard::DrainRequest final : public Task {
 public:
  DrainRequest(Shard* shard, MonotonicTime deadline,
               std::shared_ptr<DrainSum> sum)
      : shard_(shard), deadline_(deadline), sum_(std::move(sum)) {}

  void Run() override {
    shard_->StartDrain(deadline_, std::move(sum_));
    delete this;
  }
  void Abandon() override { delete this; }

 private:
  ~DrainRequest() override = default;

  Shard* const shard_;
  const MonotonicTime deadline_;
  std::shared_ptr<DrainSum> sum_;
};

absl::Status TcpServer::Shard::Listen(const SocketAddress& address,
                                      const TcpListener::Options& options) {
  auto listener = TcpListener::Listen(
      platform_, loop_, address, options,
      [this](Socket socket, const SocketAddress& peer) {
        OnAccept(std::move(socket), peer);
      },
      [this](const absl::Status& error) { OnAcceptFailure(error); });
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  // Accepted sockets inherit the option on Linux, see tcp(7): one call is
  // enough for all of them. An error does no harm.
  (void)platform_->sockets->SetOption(listener_->fd(),
                                      SocketApi::Option::kNoDelay, 1);
  return absl::OkStatus();
}

void TcpServer::Shard::OnAcceptFailure(const absl::Status& error) {
  accept_failures_.AddLocal();
  const MonotonicTime now = loop_->now();
  // The listener tries again within kLongTrouble if a client connects. So a
  // longer gap means that new trouble begins.
  if (now - last_accept_failure_ > kLongTrouble) accept_fails_since_ = now;
  last_accept_failure_ = now;
  end_accept_trouble_.Cancel();
  if (accept_trouble_reported_ || shared_->on_accept_trouble == nullptr ||
      now - accept_fails_since_ < kLongTrouble) {
    return;
  }
  accept_trouble_reported_ = true;
  shared_->on_accept_trouble(error);
}

void TcpServer::Shard::EndAcceptTrouble() {
  accept_trouble_reported_ = false;
  shared_->on_accept_trouble(absl::OkStatus());
}

void TcpServer::Shard::ServerGone() {
  if (!loop_->forked()) {
    loop_->Schedule(&end_);
    return;
  }
  // Destroys the child's copy, unless a thread of the parent was on the loop at
  // the fork(), and may have left it in any state.
  const bool runs = SequenceRole::OnAny() || !loop_->role().IsCurrent();
  if (!runs) delete this;
}

void TcpServer::Shard::OnAccept(Socket socket, const SocketAddress& peer) {
  if (accept_trouble_reported_ && !end_accept_trouble_.armed()) {
    loop_->Arm(&end_accept_trouble_, kLongTrouble);
  }
  std::unique_ptr<StreamHandler> handler = shared_->new_handler(peer);
  if (handler == nullptr) {
    refused_.AddLocal();
    return;
  }
  connections_.push_back(std::make_unique<TcpConnection>(
      &context_, platform_->new_transport(loop_, std::move(socket)),
      handler.release(), static_cast<uint32_t>(connections_.size())));
  accepted_.AddLocal();
  open_.store(connections_.size(), std::memory_order_relaxed);
  if (shared_->limit.Add()) return;
  listener_->Pause();
  shared_->limit.AwaitRoom(loop_, &accept_again_);
}

void TcpServer::Shard::StopListening() {
  listener_.reset();
  // In a child, a thread that does not exist there may hold the lock.
  if (!loop_->forked()) shared_->limit.StopWaiting(&accept_again_);
  loop_->Cancel(&accept_again_);
}

void TcpServer::Shard::OnEnded(TcpConnection* connection) {
  // Destroyed last, after it was removed: the handler's destructor may call
  // anything.
  const std::unique_ptr<StreamHandler> handler(connection->handler());
  const uint32_t index = connection->tag();
  connections_.back()->set_tag(index);
  std::swap(connections_[index], connections_.back());
  connections_.pop_back();
  open_.store(connections_.size(), std::memory_order_relaxed);
  shared_->limit.Remove();
  EndIfDone();
}

void TcpServer::Shard::Drain(MonotonicTime deadline,
                             std::shared_ptr<DrainSum> sum) {
  loop_->Schedule(new DrainRequest(this, deadline, std::move(sum)));
}

void TcpServer::Shard::StartDrain(MonotonicTime deadline,
                                  std::shared_ptr<DrainSum> sum) {
  if (server_gone_) return;
  drained_.push_back(std::move(sum));
  if (!armed() || deadline < Timer::deadline()) {
    loop_->timers()->Arm(this, deadline);
  }
  if (!draining_) {
    draining_ = true;
    // Closing the listener would reset the connections in its backlog: accept
    // them first.
    listener_->AcceptBacklog();
    StopListening();
    for (const auto& connection : connections_) connection->Drain();
  }
  EndIfDone();
}

void TcpServer::Shard::Fire() {
  // If the deadline passed before the drain began, the connections of the
  // backlog are registered now, but the loop has not looked at them yet.
  if (!std::exchange(backlog_looked_at_, true)) {
    return loop_->Arm(this, absl::ZeroDuration());
  }
  forced_ += CloseAll(
      absl::DeadlineExceededError("the server's drain deadline has passed"),
      CloseReason::kDrainTimeout);
}

size_t TcpServer::Shard::CloseAll(const absl::Status& why, CloseReason reason) {
  size_t closed = 0;
  for (const auto& connection : connections_) {
    if (connection->Close(why, reason)) ++closed;
  }
  return closed;
}

void TcpServer::Shard::End() {
  server_gone_ = true;
  drained_.clear();
  Timer::Cancel();
  StopListening();
  CloseAll(absl::CancelledError("the server was destroyed"),
           CloseReason::kServerDestroyed);
  EndIfDone();
}

void TcpServer::Shard::EndIfDone() {
  if (!connections_.empty()) return;
  if (server_gone_) {
    delete this;
  } else if (draining_) {
    Timer::Cancel();
    for (const auto& sum : std::exchange(drained_, {})) sum->Add(forced_);
  }
}

TcpServer::LoopStats TcpServer::Shard::stats() const {
  return {.accepted = accepted_.value(),
          .refused = refused_.value(),
          .accept_failures = accept_failures_.value(),
          .open = open_.load(std::memory_order_relaxed),
          .bytes_in = context_.bytes_in(),
          .bytes_out = context_.bytes_out(),
          .iterations = loop_->stats().iterations};
}

absl::StatusOr<std::unique_ptr<TcpServer>> TcpServer::Start(
    const Platform* platform, std::vector<EventLoop*> loops,
    const SocketAddress& address, NewHandler new_handler, Options options) {
  if (loops.empty()) {
    return absl::InvalidArgumentError("TcpServer: loops must not be empty");
  }
  absl::Status valid = CheckOption("TcpServer: max_connections",
                                   options.max_connections, 1, size_t{1} << 31);
  valid.Update(CheckConnectionOptions(options.connection));
  if (options.thread_model == ThreadModel::kSingleLoop && loops.size() > 1) {
    valid.Update(absl::InvalidArgumentError(absl::StrCat(
        "TcpServer: thread_model is kSingleLoop, which serves on one loop, and "
        "there are ",
        loops.size(), ": give one loop, or set thread_model to kReusePort")));
  }
  if (!valid.ok()) return valid;
  if (loops.size() > 1) options.listener.listen.reuse_port = true;
  const auto shared =
      std::make_shared<Shared>(std::move(new_handler), &options);
  std::vector<std::unique_ptr<Shard>> shards;
  SocketAddress bound = address;
  for (EventLoop* const loop : loops) {
    shards.push_back(
        std::make_unique<Shard>(platform, loop, options.connection, shared));
    const absl::Status listening =
        shards.back()->Listen(bound, options.listener);
    if (!listening.ok()) return listening;
    // If the port is 0, all loops use the port that the first one has chosen.
    bound = shards.back()->address();
  }
  auto server = absl::WrapUnique(new TcpServer);
  for (auto& shard : shards) server->shards_.push_back(shard.release());
  server->first_loop_ = loops.front();
  server->address_ = bound;
  return server;
}

TcpServer::~TcpServer() {
  for (Shard* const shard : shards_) shard->ServerGone();
}

void TcpServer::Drain(MonotonicTime deadline, Drained done) {
  const auto sum =
      std::make_shared<DrainSum>(shards_.size(), first_loop_, std::move(done));
  for (Shard* const shard : shards_) shard->Drain(deadline, sum);
}

std::vector<TcpServer::LoopStats> TcpServer::stats() const {
  std::vector<LoopStats> stats;
  for (const Shard* const shard : shards_) stats.push_back(shard->stats());
  return stats;
}

double Fairness(absl::Span<const TcpServer::LoopStats> stats) {
  double sum = 0;
  double sum_of_squares = 0;
  for (const TcpServer::LoopStats& loop : stats) {
    const double accepted = static_cast<double>(loop.accepted);
    sum += accepted;
    sum_of_squares += accepted * accepted;
  }
  if (sum == 0) return 1;
  return sum * sum / (static_cast<double>(stats.size()) * sum_of_squares);
}

}  // namespace sluice

#include "sluice/net/tcp_server.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/event/loop_task.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// A server's state on one loop. Loop-bound, save stats() and what the server
// sends it as tasks. Deletes itself, on the loop, when the server is gone and
// the last connection has ended.
class TcpServer::Shard final : private ConnectionOwner, private Timer {
 public:
  Shard(const Platform* platform, EventLoop* loop, NewHandler new_handler,
        const Options& options)
      : platform_(platform),
        loop_(loop),
        new_handler_(std::move(new_handler)),
        max_connections_(std::max<size_t>(options.max_connections, 1)),
        context_(loop, options.connection, this) {}
  ~Shard() override = default;

  absl::Status Listen(const SocketAddress& address,
                      const TcpListener::Options& options);
  const SocketAddress& address() const { return listener_->address(); }

  // Any thread.
  void Drain(MonotonicTime deadline, Drained done);
  void ServerGone() { loop_->ScheduleRemote(&end_); }
  LoopStats stats() const;

 private:
  class DrainRequest;

  // A connection with its handler; one of the vector below for each that was
  // ever open at once, used again for later ones.
  struct Slot {
    std::unique_ptr<StreamHandler> handler;
    std::unique_ptr<TcpConnection> connection;
    uint32_t next_free = kNone;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  void OnAccept(Socket socket, const SocketAddress& peer);
  void OnEnded(TcpConnection* connection) override;
  void StartDrain(MonotonicTime deadline, Drained done);
  void Fire() override;  // the deadline of the drain
  // How many had not ended yet.
  size_t CloseAll(const absl::Status& why, CloseReason reason);
  void EndIfDone();
  void End();

  const Platform* const platform_;
  EventLoop* const loop_;
  const NewHandler new_handler_;
  const size_t max_connections_;
  ConnectionContext context_;
  std::unique_ptr<TcpListener> listener_;  // null once it drains
  std::vector<Slot> slots_;
  uint32_t first_free_ = kNone;
  size_t open_ = 0;
  size_t forced_ = 0;
  std::vector<Drained> drained_;  // who waits for the drain
  bool draining_ = false;
  bool server_gone_ = false;
  MemberTask<&Shard::End, &Shard::End> end_{this};

  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> open_now_{0};
};

// A call of Drain() on its way to the loop.
class TcpServer::Shard::DrainRequest final : public LoopTask {
 public:
  DrainRequest(Shard* shard, MonotonicTime deadline, Drained done)
      : shard_(shard), deadline_(deadline), done_(std::move(done)) {}

  void Run() override {
    Shard* const shard = shard_;
    const MonotonicTime deadline = deadline_;
    Drained done = std::move(done_);
    delete this;
    shard->StartDrain(deadline, std::move(done));
  }
  void Abandon() override { delete this; }

 private:
  ~DrainRequest() override = default;

  Shard* const shard_;
  const MonotonicTime deadline_;
  Drained done_;
};

absl::Status TcpServer::Shard::Listen(const SocketAddress& address,
                                      const TcpListener::Options& options) {
  auto listener =
      TcpListener::Listen(platform_, loop_, address, options,
                          [this](Socket socket, const SocketAddress& peer) {
                            OnAccept(std::move(socket), peer);
                          });
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  // Accepted sockets inherit it (tcp(7) of Linux): one call for all of them. A
  // socket that refuses works all the same.
  (void)platform_->sockets->SetOption(listener_->fd(),
                                      SocketApi::Option::kNoDelay, 1);
  return absl::OkStatus();
}

void TcpServer::Shard::OnAccept(Socket socket, const SocketAddress& peer) {
  std::unique_ptr<StreamHandler> handler = new_handler_(peer);
  if (handler == nullptr) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (first_free_ == kNone) {
    first_free_ = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  const uint32_t index = first_free_;
  Slot& slot = slots_[index];
  first_free_ = slot.next_free;
  slot.handler = std::move(handler);
  slot.connection = std::make_unique<TcpConnection>(
      &context_, platform_->new_transport(loop_, std::move(socket)),
      slot.handler.get(), index);
  accepted_.fetch_add(1, std::memory_order_relaxed);
  open_now_.store(++open_, std::memory_order_relaxed);
  if (open_ >= max_connections_) listener_->Pause();
}

void TcpServer::Shard::OnEnded(TcpConnection* connection) {
  const uint32_t index = connection->tag();
  Slot& slot = slots_[index];
  slot.connection.reset();
  // Last, and out of its place: a handler's destructor may call anything.
  const std::unique_ptr<StreamHandler> handler = std::move(slot.handler);
  slot.next_free = first_free_;
  first_free_ = index;
  open_now_.store(--open_, std::memory_order_relaxed);
  if (listener_ != nullptr) listener_->Resume();
  EndIfDone();
}

void TcpServer::Shard::Drain(MonotonicTime deadline, Drained done) {
  loop_->ScheduleRemote(new DrainRequest(this, deadline, std::move(done)));
}

void TcpServer::Shard::StartDrain(MonotonicTime deadline, Drained done) {
  if (server_gone_) return;
  drained_.push_back(std::move(done));
  if (!armed() || deadline < Timer::deadline()) {
    loop_->timers()->Arm(this, deadline);
  }
  if (!draining_) {
    draining_ = true;
    listener_.reset();
    for (const Slot& slot : slots_) {
      if (slot.connection != nullptr) slot.connection->Drain();
    }
  }
  EndIfDone();
}

void TcpServer::Shard::Fire() {
  forced_ +=
      CloseAll(absl::DeadlineExceededError("the server's drain has ended"),
               CloseReason::kDrainForced);
}

size_t TcpServer::Shard::CloseAll(const absl::Status& why, CloseReason reason) {
  size_t closed = 0;
  for (const Slot& slot : slots_) {
    if (slot.connection != nullptr && slot.connection->Close(why, reason)) {
      ++closed;
    }
  }
  return closed;
}

void TcpServer::Shard::End() {
  server_gone_ = true;
  drained_.clear();
  Timer::Cancel();
  listener_.reset();
  CloseAll(absl::CancelledError("the server is gone"),
           CloseReason::kServerGone);
  EndIfDone();
}

void TcpServer::Shard::EndIfDone() {
  if (open_ > 0) return;
  if (server_gone_) {
    delete this;
  } else if (draining_) {
    Timer::Cancel();
    // May destroy the server, which sends a task; or drain again.
    for (Drained& done : std::exchange(drained_, {})) {
      std::move(done)(forced_);
    }
  }
}

TcpServer::LoopStats TcpServer::Shard::stats() const {
  LoopStats stats;
  stats.accepted = accepted_.load(std::memory_order_relaxed);
  stats.refused = refused_.load(std::memory_order_relaxed);
  stats.open = open_now_.load(std::memory_order_relaxed);
  stats.bytes_in = context_.bytes_in();
  stats.bytes_out = context_.bytes_out();
  return stats;
}

absl::StatusOr<std::unique_ptr<TcpServer>> TcpServer::Start(
    const Platform* platform, std::vector<EventLoop*> loops,
    const SocketAddress& address, NewHandler new_handler, Options options) {
  if (loops.empty()) {
    return absl::InvalidArgumentError("TcpServer: loops must not be empty");
  }
  auto shard = std::make_unique<Shard>(platform, loops.front(),
                                       std::move(new_handler), options);
  const absl::Status listening = shard->Listen(address, options.listener);
  if (!listening.ok()) return listening;
  const SocketAddress bound = shard->address();
  return absl::WrapUnique(new TcpServer(shard.release(), bound));
}

TcpServer::~TcpServer() { shard_->ServerGone(); }

void TcpServer::Drain(MonotonicTime deadline, Drained done) {
  shard_->Drain(deadline, std::move(done));
}

std::vector<TcpServer::LoopStats> TcpServer::stats() const {
  return {shard_->stats()};
}

}  // namespace sluice

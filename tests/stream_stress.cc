#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/base/mutex.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

// Tests threads that write to, post to and end the same thousand connections of
// one loop through handles. The test takes one second, or the number of seconds
// in SLUICE_STRESS_SECONDS.
namespace sluice {
namespace {

constexpr int kThreads = 8;
constexpr size_t kConnections = 1000;

// The header of a message. It has the number of the thread, the number of the
// thread's earlier messages to this connection, and the number of bytes that
// follow. The header determines those bytes.
struct Header {
  uint32_t number;
  uint16_t size;
  uint8_t thread;
  uint8_t magic;
};
static_assert(sizeof(Header) == 8);
constexpr uint8_t kMagic = 0xa5;

char ByteOf(const Header& header) {
  return static_cast<char>(header.number * 31 + header.size + header.thread);
}

std::string MessageOf(int thread, uint32_t number, size_t size) {
  const Header header = {number, static_cast<uint16_t>(size),
                         static_cast<uint8_t>(thread), kMagic};
  std::string message(sizeof(header) + size, ByteOf(header));
  std::memcpy(message.data(), &header, sizeof(header));
  return message;
}

// The other end of a connection. Checks that only whole messages arrive, and
// that the messages of each thread arrive in the order of its calls.
class CheckingPeer final : public StreamHandler {
 public:
  explicit CheckingPeer(uint32_t seed) : random_(seed) {}

  void OnOpen(Stream& stream) override { OnTimeout(stream); }
  // Pauses or resumes reading at random. One call in 32 aborts the connection.
  void OnTimeout(Stream& stream) override {
    const uint32_t choice = random_() % 32;
    if (choice == 0) return stream.Abort(absl::AbortedError("at random"));
    choice < 8 ? stream.PauseReading() : stream.ResumeReading();
    stream.SetTimeout(absl::Milliseconds(random_() % 200));
  }
  size_t OnInput(Stream&, absl::string_view input) override {
    size_t done = 0;
    Header header;
    while (input.size() - done >= sizeof(header)) {
      std::memcpy(&header, input.data() + done, sizeof(header));
      if (header.magic != kMagic || header.thread >= kThreads) {
        ADD_FAILURE() << "no message begins here";
        return input.size();
      }
      if (input.size() - done - sizeof(header) < header.size) break;
      EXPECT_EQ(header.number, next_[header.thread]++);
      const absl::string_view bytes =
          input.substr(done + sizeof(header), header.size);
      EXPECT_EQ(bytes.find_first_not_of(ByteOf(header)), bytes.npos);
      done += sizeof(header) + header.size;
    }
    rest_ = input.size() - done;
    return done;
  }

  void OnClosed(Stream&, absl::Status, CloseReason reason) override {
    done_ = reason == CloseReason::kNormal;
  }

  bool done() const { return done_; }
  // Returns the number of bytes of an incomplete message at the end.
  size_t rest() const { return rest_; }

 private:
  std::minstd_rand random_;
  bool done_ = false;
  std::array<uint32_t, kThreads> next_{};
  size_t rest_ = 0;
};

// The state that all threads share.
struct Shared {
  // Returns the handle of the current connection `index`.
  StreamHandle Get(size_t index) {
    MutexLock lock(&mutex);
    return handles[index];
  }
  void Set(size_t index, StreamHandle handle) {
    MutexLock lock(&mutex);
    handles[index] = std::move(handle);
  }

  Mutex mutex;
  std::array<StreamHandle, kConnections> handles ABSL_GUARDED_BY(mutex);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> accepted{0};  // messages, without ShutdownWrite()
  std::atomic<uint64_t> finishes{0};
  std::atomic<uint64_t> refused{0};   // messages, for lack of room
  std::atomic<int64_t> callables{0};  // existing callables
};

// A member of each callable, which shows that all callables are destroyed.
class Token {
 public:
  explicit Token(Shared* shared) : shared_(shared) { ++shared_->callables; }
  Token(Token&& other) noexcept : shared_(other.shared_) {
    ++shared_->callables;
  }
  ~Token() { --shared_->callables; }

 private:
  Shared* const shared_;
};

// Both ends of all connections. Replaces connections when they end.
class Connections final : private ConnectionOwner {
 public:
  Connections(const Platform* platform, EventLoop* loop, Shared* shared,
              uint64_t seed)
      : platform_(platform),
        loop_(loop),
        shared_(shared),
        random_(seed),
        context_(loop, {.max_handle_bytes = 1 << 20}, this),
        peer_context_(loop, {}, this),
        listener_(platform->sockets,
                  *platform->sockets->Listen(SocketAddress::Loopback4(0), {})),
        pairs_(kConnections) {
    for (size_t i = 0; i < kConnections; ++i) Open(i);
  }

  // Destroys a connection, as its owner may. A callable may call this.
  void Destroy(size_t index) {
    pairs_[index].connection.reset();
    ReplaceIfEnded(index);
  }
  // Opens no more connections, and ends the existing ones.
  void End() {
    ending_ = true;
    for (Pair& pair : pairs_) {
      if (pair.connection != nullptr) pair.connection->ShutdownWrite();
    }
  }

  const ConnectionContext& context() const { return context_; }
  uint64_t ended() const { return ended_; }
  // Returns how many of the ended connections ended normally.
  uint64_t done() const { return done_; }

 private:
  class Handler final : public StreamHandler {
   public:
    size_t OnInput(Stream&, absl::string_view) override {
      ADD_FAILURE() << "a peer sends nothing";
      return 0;
    }
    void OnClosed(Stream& stream, absl::Status, CloseReason reason) override {
      EXPECT_TRUE(absl::IsNotFound(stream.handle().ShutdownWrite()));
      done_ = reason == CloseReason::kNormal;
    }
    bool done() const { return done_; }

   private:
    bool done_ = false;
  };

  struct Pair {
    std::unique_ptr<Handler> handler;
    std::unique_ptr<CheckingPeer> checker;
    std::unique_ptr<TcpConnection> connection;
    std::unique_ptr<TcpConnection> peer;
  };

  // Returns a Unix-domain pair for an even index, and a TCP pair for an odd
  // one.
  std::pair<Socket, Socket> NewPair(size_t index) {
    SocketApi* const api = platform_->sockets;
    if (index % 2 == 0) {
      int fds[2];
      SLUICE_CHECK(socketpair(AF_UNIX,
                              SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                              fds) == 0);
      return {Socket(api, fds[0]), Socket(api, fds[1])};
    }
    // The clients use many addresses, because the ports of recently closed
    // connections stay in use.
    const SocketAddress from =
        *SocketAddress::Parse(absl::StrCat("127.0.1.", random_() % 250, ":0"));
    const SocketAddress to =
        *api->Address(listener_.fd(), SocketApi::End::kLocal);
    Socket first(api, static_cast<int>(api->StartConnect(to, &from).value()));
    pollfd pending = {listener_.fd(), POLLIN, 0};
    SLUICE_CHECK(poll(&pending, 1, /*timeout=*/10'000) == 1);
    const IoResult accepted = api->Accept(listener_.fd(), /*peer=*/nullptr);
    return {std::move(first), Socket(api, static_cast<int>(accepted.value()))};
  }

  void Open(size_t index) {
    auto [first, second] = NewPair(index);
    Pair& pair = pairs_[index];
    pair.handler = std::make_unique<Handler>();
    pair.checker = std::make_unique<CheckingPeer>(random_());
    const auto tag = static_cast<uint32_t>(index);
    pair.connection = std::make_unique<TcpConnection>(
        &context_, platform_->new_transport(loop_, std::move(first)),
        pair.handler.get(), tag);
    pair.peer = std::make_unique<TcpConnection>(
        &peer_context_, platform_->new_transport(loop_, std::move(second)),
        pair.checker.get(), tag);
    ++open_;
    shared_->Set(index, pair.connection->handle());
  }

  void OnEnded(TcpConnection* connection) override {
    const size_t index = connection->tag();
    Pair& pair = pairs_[index];
    (connection == pair.peer.get() ? pair.peer : pair.connection).reset();
    ReplaceIfEnded(index);
  }
  void ReplaceIfEnded(size_t index) {
    Pair& pair = pairs_[index];
    if (pair.connection != nullptr || pair.peer != nullptr) return;
    // Otherwise one end aborted, perhaps in the middle of a message.
    if (pair.handler->done() && pair.checker->done()) {
      EXPECT_EQ(pair.checker->rest(), 0u);
      ++done_;
    }
    --open_;
    ++ended_;
    if (!ending_) {
      Open(index);
    } else if (open_ == 0) {
      loop_->Stop();
    }
  }

  const Platform* const platform_;
  EventLoop* const loop_;
  Shared* const shared_;
  std::mt19937_64 random_;
  ConnectionContext context_;
  ConnectionContext peer_context_;
  Socket listener_;
  std::vector<Pair> pairs_;
  size_t open_ = 0;
  uint64_t ended_ = 0;
  uint64_t done_ = 0;
  bool ending_ = false;
};

// One of the threads that use the handles.
class Caller {
 public:
  Caller(int thread, Connections* connections, Shared* shared, uint64_t seed)
      : thread_(thread),
        connections_(connections),
        shared_(shared),
        random_(seed),
        streams_(kConnections) {}

  void Run() {
    while (!shared_->stop.load(std::memory_order_relaxed)) {
      const size_t index = random_() % kConnections;
      Target& target = streams_[index];
      if (random_() % 4 == 0) {
        StreamHandle handle = shared_->Get(index);
        if (handle != target.handle) target = {std::move(handle), 0};
      }
      Act(target, index);
    }
  }

 private:
  struct Target {
    StreamHandle handle;
    uint32_t number = 0;  // number of the next message
  };

  void Act(Target& target, size_t index) {
    switch (random_() % 500) {
      case 0: {
        const absl::Status status = target.handle.ShutdownWrite();
        if (status.ok()) ++shared_->finishes;
        return;
      }
      case 1:
        Count(target.handle.Abort(absl::AbortedError("at random")));
        return;
      case 2:
        Count(target.handle.Post(
            [token = Token(shared_), connections = connections_,
             index](Stream&) { connections->Destroy(index); }));
        return;
      case 3:
        Count(target.handle.Post([token = Token(shared_)](Stream& stream) {
          stream.ShutdownWrite();
        }));
        return;
      default:
        Write(target);
    }
  }

  void Write(Target& target) {
    const size_t size = random_() % (random_() % 64 == 0 ? 20'000 : 100);
    std::string message = MessageOf(thread_, target.number, size);
    absl::Status status;
    if (random_() % 3 > 0) {
      status = target.handle.Write(std::move(message));
    } else {
      // Writes the message in two pieces, corked or not.
      status = target.handle.Post([token = Token(shared_),
                                   message = std::move(message),
                                   cork = random_() % 2 == 0](Stream& stream) {
        if (cork) stream.Cork();
        const absl::string_view bytes = message;
        stream.Write(bytes.substr(0, sizeof(Header)));
        stream.Write(bytes.substr(sizeof(Header)));
      });
    }
    if (status.ok()) ++target.number;
    Count(status);
  }

  void Count(const absl::Status& status) {
    if (status.ok()) {
      ++shared_->accepted;
    } else if (absl::IsResourceExhausted(status)) {
      ++shared_->refused;
      std::this_thread::yield();
    } else {
      EXPECT_TRUE(absl::IsNotFound(status)) << status;
    }
  }

  const int thread_;
  Connections* const connections_;
  Shared* const shared_;
  std::mt19937_64 random_;
  std::vector<Target> streams_;
};

// Returns whether the process may open the descriptors of all connections.
bool MayOpenAll() {
  constexpr rlim_t kNeeded = 2 * kConnections + 50;
  rlimit limit;
  SLUICE_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, kNeeded));
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= kNeeded;
}

absl::Duration StressDuration() {
  const char* const given = std::getenv("SLUICE_STRESS_SECONDS");
  int seconds = 1;
  if (given != nullptr) SLUICE_CHECK(absl::SimpleAtoi(given, &seconds));
  return absl::Seconds(seconds);
}

TEST(StreamStressTest, ThreadsShareAThousandConnectionsThroughHandles) {
  if (!MayOpenAll()) GTEST_SKIP() << "the limit on descriptors is too low";
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const Platform platform = LinuxPlatform();
  const std::unique_ptr<EventLoop> loop = *NewEventLoop(platform);
  Shared shared;
  auto connections =
      std::make_unique<Connections>(&platform, loop.get(), &shared, seed);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back(
        [&, t] { Caller(t, connections.get(), &shared, seed + 1 + t).Run(); });
  }
  // The threads keep calling the handles while the connections end.
  CallbackTimer stop([&] { connections->End(); });
  loop->Arm(&stop, StressDuration());
  SLUICE_EXPECT_OK(loop->Run());
  shared.stop = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(shared.callables.load(), 0);
  const uint64_t delivered = connections->context().messages_delivered();
  const uint64_t dropped = connections->context().messages_dropped();
  EXPECT_GE(delivered + dropped, shared.accepted.load());
  EXPECT_LE(delivered + dropped, shared.accepted + shared.finishes);
  EXPECT_GT(delivered, 0u);
  EXPECT_GT(dropped, 0u);
  EXPECT_GT(connections->done(), 0u);
  EXPECT_GT(connections->ended(), connections->done());
  std::printf("%s\n", absl::StrCat("SLUICE_SEED=", seed, ": ", delivered,
                                   " delivered, ", dropped, " dropped, ",
                                   shared.refused.load(), " refused; ",
                                   connections->ended(), " connections, ",
                                   connections->done(), " of them done")
                          .c_str());
  connections.reset();
}

}  // namespace
}  // namespace sluice

// Tests that a child of fork() can destroy the objects that it has inherited,
// and that the parent does not notice: docs/architecture.md, "fork()".

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/base/executor.h"
#include "sluice/base/io_result.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/strand.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/loop_threads.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/event/watch.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/tests/support/test_environment.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// The size of the answer to "big": more than the kernel buffers. Handler echoes
// all other input. Handler has a StreamHandle, so that its loop has a mailbox.
constexpr size_t kBig = 8 << 20;

class Handler final : public StreamHandler {
 public:
  void OnOpen(Stream& stream) override { handle_ = stream.handle(); }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    if (input == "big") {
      stream.Write(std::string(kBig, 'b'));
    } else {
      stream.Write(input);
    }
    return input.size();
  }
  void OnClosed(Stream&, absl::Status, CloseReason reason) override {
    SLUICE_CHECK(owner_.IsCurrent());  // a child calls no handler
    SLUICE_CHECK(reason == CloseReason::kNormal ||
                 reason == CloseReason::kServerDestroyed);
  }

 private:
  const OwnerProcess owner_;
  StreamHandle handle_;
};

// The objects of a typical main(), in the order in which main() makes them.
class Program {
 public:
  Program(PollerKind kind, const std::string& folder)
      : platform(LinuxPlatform(kind)),
        unix_path(absl::StrCat(folder, "/socket")) {
    loop = *NewEventLoop(platform);
    threads = *LoopThreads::Create({.num_loops = 2},
                                   [&] { return NewEventLoop(platform); });
    pool = *WorkerPool::Create({.clock = Clock::Real(), .num_threads = 2});
    strand = std::make_unique<Strand>(pool.get());
    const auto handlers = [](const SocketAddress&) {
      return std::make_unique<Handler>();
    };
    unix_server = *TcpServer::Start(
        &platform, {loop.get()},
        *SocketAddress::Parse(absl::StrCat("unix:", unix_path)), handlers, {});
    tcp_server = *TcpServer::Start(&platform, {loop.get()},
                                   SocketAddress::Loopback4(0), handlers, {});
    threads_server = *TcpServer::Start(
        &platform, {threads->loops().begin(), threads->loops().end()},
        SocketAddress::Loopback4(0), handlers,
        {.thread_model = ThreadModel::kReusePort});
    event_fd = eventfd(0, EFD_NONBLOCK);
    watch = *Watch::Create(loop.get(), event_fd, kReadable,
                           [this](IoEvents) { watch_called = true; });
    timer = std::make_unique<CallbackTimer>([this] { timer_fired = true; });
    loop->Arm(timer.get(), absl::Hours(1));
    connector = std::make_unique<TcpConnector>(
        &platform, loop.get(), tcp_server->address(), TcpConnector::Options{},
        [this](absl::StatusOr<Socket> socket) {
          connected = socket.ok();
          if (!socket.ok()) return;
          (void)socket->Release();  // stays open
        });
    SLUICE_CHECK(threads->Start().ok());
  }
  ~Program() {
    watch.reset();
    close(event_fd);
  }

  void RunUntil(absl::FunctionRef<bool()> done) {
    const MonotonicTime deadline = Clock::Real()->Now() + kPatience;
    while (!done()) {
      ASSERT_LT(Clock::Real()->Now(), deadline);
      SLUICE_ASSERT_OK(loop->RunOnce(absl::Milliseconds(1)));
    }
  }

  std::unique_ptr<TestPeer> Connect(const SocketAddress& address) {
    const IoResult fd = platform.sockets->StartConnect(address, nullptr);
    SLUICE_CHECK(fd.ok());
    return std::make_unique<TestPeer>(
        Socket(platform.sockets, static_cast<int>(fd.value())));
  }

  // Sends one message and expects it back.
  void ExpectEcho(TestPeer* peer, const std::string& text) {
    peer->ForgetReceived();
    RunUntil([&] { return peer->closed() || peer->Send(text) > 0; });
    RunUntil([&] {
      peer->Receive();
      return peer->closed() || peer->received().size() >= text.size();
    });
    EXPECT_EQ(peer->received(), text);
    EXPECT_FALSE(peer->closed());
  }

  const Platform platform;
  const std::string unix_path;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<LoopThreads> threads;
  std::unique_ptr<WorkerPool> pool;
  std::unique_ptr<Strand> strand;
  std::unique_ptr<TcpServer> unix_server;
  std::unique_ptr<TcpServer> tcp_server;
  std::unique_ptr<TcpServer> threads_server;
  int event_fd = -1;
  bool watch_called = false;
  bool timer_fired = false;
  bool connected = false;
  std::unique_ptr<Watch> watch;
  std::unique_ptr<CallbackTimer> timer;
  std::unique_ptr<TcpConnector> connector;
};

class ForkTest : public ::testing::TestWithParam<PollerKind> {
 protected:
  ForkTest() {
    SLUICE_CHECK(mkdtemp(folder_.data()) != nullptr);
    program_ = std::make_unique<Program>(GetParam(), folder_);
  }
  ~ForkTest() override {
    if (program_ != nullptr) EndProgram();
    rmdir(folder_.c_str());
  }

  // Destroys the objects as main() does at its end.
  void EndProgram() {
    program_->connector.reset();
    program_->unix_server.reset();
    program_->tcp_server.reset();
    program_->threads_server.reset();
    program_->threads->Stop();
    SLUICE_EXPECT_OK(program_->threads->Join());
    (void)program_->loop->RunOnce(absl::ZeroDuration());
    (void)program_->loop->RunOnce(absl::ZeroDuration());
    program_.reset();
  }

  // The folder of the sockets. Its name is short, because the name of a
  // Unix-domain socket has at most 107 bytes.
  std::string folder_ = "/tmp/sluice_fork.XXXXXX";
  std::unique_ptr<Program> program_;
};

// Returns the number of sockets of this process that would send RST when they
// are closed.
int LingeringSockets() {
  int lingering = 0;
  for (int fd = 0; fd < 200; ++fd) {
    linger how = {};
    socklen_t size = sizeof(how);
    if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &how, &size) == 0) {
      lingering += how.l_onoff;
    }
  }
  return lingering;
}

TEST_P(ForkTest, AParentDoesNotNoticeThatItsChildDestroysAll) {
  Program& program = *program_;
  const SocketAddress addresses[] = {program.unix_server->address(),
                                     program.tcp_server->address(),
                                     program.threads_server->address()};
  std::vector<std::unique_ptr<TestPeer>> peers;
  std::vector<std::unique_ptr<TestPeer>> big_peers;
  for (const SocketAddress& address : addresses) {
    peers.push_back(program.Connect(address));
    program.ExpectEcho(peers.back().get(), "before");
    big_peers.push_back(program.Connect(address));
    TestPeer* const peer = big_peers.back().get();
    program.RunUntil([&] { return peer->Send("big") > 0; });
    program.RunUntil([&] {
      peer->Receive(1);
      return peer->received_bytes() > 0;
    });
  }
  program.RunUntil([&] { return program.connected; });
  // This callable is in a queue when the child is made.
  SLUICE_ASSERT_OK(program.loop->Post([] {}));

  EXPECT_EQ(InChild([&] { program_.reset(); }), 0);

  EXPECT_EQ(LingeringSockets(), 0);
  struct stat file;
  EXPECT_EQ(stat(program.unix_path.c_str(), &file), 0);
  for (std::unique_ptr<TestPeer>& peer : big_peers) {
    program.RunUntil([&] {
      peer->Receive();
      return peer->closed() || peer->received_bytes() >= kBig;
    });
    EXPECT_EQ(peer->received_bytes(), kBig);
    peers.push_back(std::move(peer));
  }
  for (const SocketAddress& address : addresses) {
    for (int i = 0; i < 4; ++i) peers.push_back(program.Connect(address));
  }
  // The handlers CHECK that their streams end normally.
  for (const auto& peer : peers) {
    program.ExpectEcho(peer.get(), "after");
    peer->ShutdownWrite();
    program.RunUntil([&] {
      peer->Receive();
      return peer->closed();
    });
    EXPECT_TRUE(peer->ended());
  }

  const uint64_t one = 1;
  ASSERT_EQ(write(program.event_fd, &one, sizeof(one)),
            static_cast<ssize_t>(sizeof(one)));
  program.RunUntil([&] { return program.watch_called; });
  EXPECT_FALSE(program.timer_fired);
  std::atomic<bool> ran{false};
  SLUICE_ASSERT_OK(program.pool->Post([&] { ran.store(true); }));
  program.RunUntil([&] { return ran.load(); });
}

// A task that is always in a queue, because it schedules itself.
class Restless final : public Task {
 public:
  Restless(Executor* executor, std::atomic<bool>* stop,
           std::atomic<int>* running)
      : executor_(*executor), stop_(*stop), running_(*running) {
    running_.fetch_add(1);
    executor_.Schedule(this);
  }

 private:
  void Run() override {
    if (stop_.load()) {
      running_.fetch_sub(1);
    } else {
      executor_.Schedule(this);
    }
  }
  void Abandon() override { running_.fetch_sub(1); }

  Executor& executor_;
  std::atomic<bool>& stop_;
  std::atomic<int>& running_;
};

// When fork() is called, other threads may be in any state. They may hold a
// lock.
TEST_P(ForkTest, AChildOfBusyThreadsDoesNotHang) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a child may hang in the sanitizer's own allocator";
#endif
  std::atomic<bool> stop{false};
  std::atomic<int> running{0};
  std::vector<std::unique_ptr<Restless>> tasks;
  for (int i = 0; i < 4; ++i) {
    for (Executor* const executor : std::initializer_list<Executor*>{
             program_->pool.get(), program_->strand.get(),
             program_->threads->loops()[0], program_->threads->loops()[1]}) {
      tasks.push_back(std::make_unique<Restless>(executor, &stop, &running));
    }
  }
  // A task that posts to the loop of this thread.
  class Poster final : public Task {
   public:
    Poster(Program* program, std::atomic<bool>* stop, std::atomic<int>* running)
        : program_(*program), stop_(*stop), running_(*running) {
      running_.fetch_add(1);
      program_.pool->Schedule(this);
    }

   private:
    void Run() override {
      (void)program_.loop->Post([] {});
      if (stop_.load()) {
        running_.fetch_sub(1);
      } else {
        program_.pool->Schedule(this);
      }
    }
    void Abandon() override { running_.fetch_sub(1); }

    Program& program_;
    std::atomic<bool>& stop_;
    std::atomic<int>& running_;
  };
  Poster poster(program_.get(), &stop, &running);
  const auto peer = program_->Connect(program_->unix_server->address());
  program_->ExpectEcho(peer.get(), "before");

  constexpr int kChildren = kSanitized ? 10 : 100;
  for (int i = 0; i < kChildren; ++i) {
    ASSERT_EQ(InChild([&] { program_.reset(); }), 0) << "child " << i;
    SLUICE_ASSERT_OK(program_->loop->RunOnce(absl::ZeroDuration()));
  }

  program_->ExpectEcho(peer.get(), "after");
  stop.store(true);
  program_->RunUntil([&] { return running.load() == 0; });
  peer->ShutdownWrite();
  program_->RunUntil([&] {
    peer->Receive();
    return peer->closed();
  });
}

// The child calls Post() and Stop() of its parent's loops.
TEST_P(ForkTest, AChildWakesNoLoopOfItsParent) {
  EXPECT_EQ(InChild([&] {
              for (EventLoop* const loop : program_->threads->loops()) {
                (void)loop->Post([] { _exit(3); });
                loop->Stop();
              }
            }),
            0);
  const auto peer = program_->Connect(program_->threads_server->address());
  program_->ExpectEcho(peer.get(), "still there");
  peer->ShutdownWrite();
  program_->RunUntil([&] {
    peer->Receive();
    return peer->closed();
  });
}

TEST_P(ForkTest, AChildRunsLoopsOfItsOwn) {
  EXPECT_EQ(InChild([&] {
              program_.reset();
              const Platform platform = LinuxPlatform(GetParam());
              const auto loop = *NewEventLoop(platform);
              bool ran = false;
              (void)loop->Post([&] {
                ran = true;
                loop->Stop();
              });
              if (!loop->Run().ok() || !ran) _exit(2);
            }),
            0);
}

TEST_P(ForkTest, AChildRunsNoLoopOfItsParent) {
  EXPECT_EQ(InChild([&] {
              // The sanitizer's handler of SIGABRT exits, so the test restores
              // the default.
              signal(SIGABRT, SIG_DFL);
              (void)program_->loop->Run();
            }),
            1000 + SIGABRT);
}

INSTANTIATE_TEST_SUITE_P(Pollers, ForkTest,
                         ::testing::Values(PollerKind::kEpoll,
                                           PollerKind::kPoll,
                                           PollerKind::kSelect),
                         [](const auto& test) {
                           return std::string(PollerKindName(test.param));
                         });

}  // namespace
}  // namespace sluice

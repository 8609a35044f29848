// Tests exceptions that leave users' callbacks: docs/architecture.md,
// "Exceptions".

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/base/executor.h"
#include "sluice/base/io_result.h"
#include "sluice/base/strand.h"
#include "sluice/base/task.h"
#include "sluice/base/task_queue.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/loop_threads.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/watch.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/memory_log.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_listener.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/repeating_timer.h"
#include "sluice/timer/sim_clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

struct SaysWhenDestroyed {
  ~SaysWhenDestroyed() { std::fputs("unwound\n", stderr); }
};

// Throws an exception. Every callback below calls this.
void Throw() {
  const SaysWhenDestroyed local;
  throw std::runtime_error("thrown");
}

// Runs `body` as a main() that catches all exceptions would.
void Catching(absl::FunctionRef<void()> body) {
  try {
    body();
  } catch (...) {
    std::fputs("caught\n", stderr);
    std::_Exit(1);
  }
  std::fputs("nothing was thrown\n", stderr);
  std::_Exit(1);
}

// Expects that the message of terminate() is the first output, so that no
// object was destroyed before.
#define EXPECT_ENDS_AT_THROW(body)                                \
  EXPECT_DEATH(Catching(body),                                    \
               "^terminate called after throwing an instance of " \
               "'std::runtime_error'\n  what\\(\\):  thrown\n")

struct ThrowingTask final : Task {
  void Run() override { Throw(); }
  void Abandon() override { Throw(); }
};

struct World {
  World() {
    auto made = NewEventLoop(platform);
    SLUICE_CHECK(made.ok());
    loop = *std::move(made);
  }
  ~World() { std::_Exit(1); }  // nothing is left to destroy in these tests
  void Run() { (void)loop->Run(); }

  const Platform platform = LinuxPlatform();
  std::unique_ptr<EventLoop> loop;
};

// ---------------------------------------------------------------------------
// The loop
// ---------------------------------------------------------------------------

TEST(ThrowingCallbackDeathTest, APost) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    (void)world.loop->Post(Throw);
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, APostInOneIteration) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    (void)world.loop->Post(Throw);
    (void)world.loop->RunOnce(absl::ZeroDuration());
  });
}

TEST(ThrowingCallbackDeathTest, ATaskInHalfAnIteration) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    ThrowingTask task;
    world.loop->ScheduleLocal(&task);
    (void)world.loop->BeginIteration(absl::ZeroDuration());
    (void)world.loop->EndIteration(absl::Span<const IoEvent>());
  });
}

TEST(ThrowingCallbackDeathTest, AHookInHalfAnIteration) {
  struct Hook final : IterationHook {
    void OnIteration() override { Throw(); }
  };
  EXPECT_ENDS_AT_THROW([] {
    World world;
    Hook hook;
    world.loop->Hook(IterationHook::Point::kBeforeWait, &hook);
    (void)world.loop->BeginIteration(absl::ZeroDuration());
  });
}

TEST(ThrowingCallbackDeathTest, ATask) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    ThrowingTask task;
    world.loop->ScheduleLocal(&task);
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, ATaskThatIsAbandoned) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    ThrowingTask task;
    world.loop->ScheduleLocal(&task);
    world.loop.reset();
  });
}

TEST(ThrowingCallbackDeathTest, ATimer) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    CallbackTimer timer(Throw);
    world.loop->Arm(&timer, absl::ZeroDuration());
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, ARepeatingTimer) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    RepeatingTimer timer(world.loop->timers(), [](uint64_t) { Throw(); });
    timer.Start(absl::Milliseconds(1));
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, AWatch) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    const int fd = eventfd(1, 0);
    auto watch = Watch::Create(world.loop.get(), fd, kReadable,
                               [](IoEvents) { Throw(); });
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, TheEndOfLoopThreads) {
  EXPECT_ENDS_AT_THROW([] {
    const Platform platform = LinuxPlatform();
    auto threads = LoopThreads::Create({.num_loops = 1},
                                       [&] { return NewEventLoop(platform); });
    (void)(*threads)->Start([](absl::Status) { Throw(); });
    (*threads)->Stop();
    (void)(*threads)->Join();
  });
}

// ---------------------------------------------------------------------------
// Objects without a loop
// ---------------------------------------------------------------------------

TEST(ThrowingCallbackDeathTest, ATimerOfAWheelAlone) {
  EXPECT_ENDS_AT_THROW([] {
    TimerWheel wheel(MonotonicTime::FromNanos(0));
    CallbackTimer timer(Throw);
    wheel.Arm(&timer, MonotonicTime::FromNanos(1));
    wheel.AdvanceTo(MonotonicTime::FromNanos(1'000'000'000));
  });
}

TEST(ThrowingCallbackDeathTest, AnIdleList) {
  struct Entry final : IdleEntry {};
  EXPECT_ENDS_AT_THROW([] {
    TimerWheel wheel(MonotonicTime::FromNanos(0));
    Entry entry;
    IdleList list(&wheel, {.timeout = absl::Seconds(1)},
                  [](IdleEntry*) { Throw(); });
    list.Add(&entry);
    for (int64_t second = 1; second < 100; ++second) {
      wheel.AdvanceTo(MonotonicTime::FromNanos(second * 1'000'000'000));
    }
  });
}

// A user's executor, which runs a task when RunOne() is called.
class ByHand final : public Executor {
 public:
  bool Schedule(Task* task) override { return tasks_.PushRemote(task); }
  void RunOne() { tasks_.Pop()->Run(); }
  void AbandonOne() { tasks_.Pop()->Abandon(); }

 private:
  TaskQueue tasks_;
};

TEST(ThrowingCallbackDeathTest, ATaskOfAStrand) {
  EXPECT_ENDS_AT_THROW([] {
    ByHand executor;
    Strand strand(&executor);
    ThrowingTask task;
    strand.Schedule(&task);
    executor.RunOne();
  });
}

TEST(ThrowingCallbackDeathTest, AnAbandonedTaskOfAStrand) {
  EXPECT_ENDS_AT_THROW([] {
    ByHand executor;
    Strand strand(&executor);
    ThrowingTask task;
    strand.Schedule(&task);
    executor.AbandonOne();
  });
}

TEST(ThrowingCallbackDeathTest, ATaskOfAPool) {
  EXPECT_ENDS_AT_THROW([] {
    auto pool = WorkerPool::Create({.clock = Clock::Real(), .num_threads = 1});
    (void)(*pool)->Post(Throw);
    pause();
  });
}

TEST(ThrowingCallbackDeathTest, ATaskThatAPoolAbandonsInSchedule) {
  EXPECT_ENDS_AT_THROW([] {
    auto pool = WorkerPool::Create({.clock = Clock::Real(), .num_threads = 1});
    (*pool)->Shutdown(WorkerPool::OnShutdown::kDrain, nullptr);
    (*pool)->Join();
    ThrowingTask task;
    (*pool)->Schedule(&task);
  });
}

// ---------------------------------------------------------------------------
// The network
// ---------------------------------------------------------------------------

enum class Where {
  kNowhere,
  kNewHandler,
  kOpen,
  kInput,
  kInputEnd,
  kOutputWritable,
  kTimeout,
  kDraining,
  kClosed,
  kHandlePost,
};

// Throws in the callback `where`. Causes the callbacks that would not happen
// otherwise.
class ThrowingHandler final : public StreamHandler {
 public:
  explicit ThrowingHandler(Where where) : where_(where) {}

  void OnOpen(Stream& stream) override {
    ThrowIf(Where::kOpen);
    stream.SetTimeout(absl::Milliseconds(1));
    if (where_ == Where::kOutputWritable) {
      while (stream.Write(std::string(100'000, 'x')) ==
             Stream::WriteResult::kOk) {
      }
    }
    if (where_ == Where::kHandlePost) {
      (void)stream.handle().Post([](Stream&) { Throw(); });
    }
  }
  size_t OnInput(Stream&, absl::string_view input) override {
    ThrowIf(Where::kInput);
    return input.size();
  }
  void OnInputEnd(Stream& stream) override {
    ThrowIf(Where::kInputEnd);
    stream.ShutdownWrite();
  }
  void OnWritable(Stream&) override { ThrowIf(Where::kOutputWritable); }
  void OnTimeout(Stream&) override { ThrowIf(Where::kTimeout); }
  void OnDraining(Stream&) override { ThrowIf(Where::kDraining); }
  void OnClosed(Stream&, absl::Status, CloseReason) override {
    ThrowIf(Where::kClosed);
  }

 private:
  void ThrowIf(Where where) {
    if (where == where_) Throw();
  }

  const Where where_;
};

// Runs a server whose handlers throw at `where`, and a client.
void Serve(Where where) {
  World world;
  auto server = TcpServer::Start(
      &world.platform, {world.loop.get()}, SocketAddress::Loopback4(0),
      [where](const SocketAddress&) {
        if (where == Where::kNewHandler) Throw();
        return std::make_unique<ThrowingHandler>(where);
      },
      {});
  ConnectionContext context(world.loop.get(), ConnectionOptions{});
  ThrowingHandler handler(Where::kNowhere);
  std::unique_ptr<TcpConnection> connection;
  TcpConnector connector(
      &world.platform, world.loop.get(), (*server)->address(), {},
      [&](absl::StatusOr<Socket> socket) {
        connection = std::make_unique<TcpConnection>(
            &context,
            world.platform.new_transport(world.loop.get(), *std::move(socket)),
            &handler);
        connection->Write("x");
        if (where == Where::kDraining) {
          (*server)->Drain(MonotonicTime::InfiniteFuture(), [](size_t) {});
        } else if (where != Where::kTimeout) {
          connection->ShutdownWrite();
        }
      });
  world.Run();
}

class ThrowingHandlerDeathTest : public ::testing::TestWithParam<Where> {};

TEST_P(ThrowingHandlerDeathTest, EndsAtTheThrow) {
  EXPECT_ENDS_AT_THROW([] { Serve(GetParam()); });
}

INSTANTIATE_TEST_SUITE_P(EachCall, ThrowingHandlerDeathTest,
                         ::testing::Values(Where::kNewHandler, Where::kOpen,
                                           Where::kInput, Where::kInputEnd,
                                           Where::kOutputWritable,
                                           Where::kTimeout, Where::kDraining,
                                           Where::kClosed, Where::kHandlePost));

TEST(ThrowingCallbackDeathTest, TheEndOfADrain) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    auto server = TcpServer::Start(
        &world.platform, {world.loop.get()}, SocketAddress::Loopback4(0),
        [](const SocketAddress&) { return nullptr; }, {});
    (*server)->Drain(MonotonicTime::InfiniteFuture(), [](size_t) { Throw(); });
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, TheEndOfAConnect) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    TcpConnector connector(&world.platform, world.loop.get(),
                           SocketAddress::Loopback4(1), {},
                           [](absl::StatusOr<Socket>) { Throw(); });
    world.Run();
  });
}

// Returns a listener with a connection in its backlog.
std::unique_ptr<TcpListener> NewThrowingListener(World* world) {
  auto listener = TcpListener::Listen(
      &world->platform, world->loop.get(), SocketAddress::Loopback4(0), {},
      [](Socket, const SocketAddress&) { Throw(); });
  (void)world->platform.sockets->StartConnect((*listener)->address(), nullptr);
  return *std::move(listener);
}

TEST(ThrowingCallbackDeathTest, AnAccept) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    const auto listener = NewThrowingListener(&world);
    world.Run();
  });
}

TEST(ThrowingCallbackDeathTest, AnAcceptFromTheBacklog) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    const auto listener = NewThrowingListener(&world);
    listener->AcceptBacklog();
  });
}

// The connection belongs to no server, and its owner drains it outside the
// loop.
TEST(ThrowingCallbackDeathTest, TheDrainOfAConnection) {
  EXPECT_ENDS_AT_THROW([] {
    World world;
    auto listener = TcpListener::Listen(&world.platform, world.loop.get(),
                                        SocketAddress::Loopback4(0), {},
                                        [](Socket, const SocketAddress&) {});
    const IoResult fd =
        world.platform.sockets->StartConnect((*listener)->address(), nullptr);
    ConnectionContext context(world.loop.get(), ConnectionOptions{});
    ThrowingHandler handler(Where::kDraining);
    TcpConnection connection(
        &context,
        world.platform.new_transport(
            world.loop.get(),
            Socket(world.platform.sockets, static_cast<int>(fd.value()))),
        &handler);
    (void)world.loop->RunOnce(absl::ZeroDuration());
    connection.Drain();
  });
}

// ---------------------------------------------------------------------------
// The logger
// ---------------------------------------------------------------------------

class ThrowingWriter final : public LogWriter {
 public:
  absl::Status Write(absl::string_view*) override {
    Throw();
    return absl::OkStatus();
  }
  absl::Status Flush() override {
    Throw();
    return absl::OkStatus();
  }
};

struct ThrowsWhenPrinted {};
ThrowsWhenPrinted SluiceLogCopy(ThrowsWhenPrinted value) { return value; }
template <typename Sink>
void AbslStringify(Sink&, ThrowsWhenPrinted) {
  Throw();
}

TEST(ThrowingCallbackDeathTest, AWriterOfALog) {
  EXPECT_ENDS_AT_THROW([] {
    AsyncLogger logger(std::make_unique<ThrowingWriter>(),
                       {.clock = Clock::Real()});
    SLUICE_LOG(&logger, kInfo, "line");
    logger.RunOnce();
  });
}

TEST(ThrowingCallbackDeathTest, AWriterWhenTheLogEnds) {
  EXPECT_ENDS_AT_THROW([] {
    SimClock clock;
    AsyncLogger logger(std::make_unique<ThrowingWriter>(), {.clock = &clock});
    SLUICE_LOG(&logger, kInfo, "line");
  });
}

TEST(ThrowingCallbackDeathTest, AValueThatIsLogged) {
  EXPECT_ENDS_AT_THROW([] {
    MemoryLog log;
    AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
    SLUICE_LOG(&logger, kInfo, "{}", ThrowsWhenPrinted());
    logger.RunOnce();
  });
}

TEST(ThrowingCallbackDeathTest, TheEndOfAFlush) {
  EXPECT_ENDS_AT_THROW([] {
    MemoryLog log;
    AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
    logger.Flush([](absl::Status) { Throw(); });
    logger.RunOnce();
  });
}

TEST(ThrowingCallbackDeathTest, TheErrorHandlerOfALog) {
  EXPECT_ENDS_AT_THROW([] {
    MemoryLog log;
    log.FailAfter(0, absl::UnavailableError("gone"));
    AsyncLogger logger(log.NewWriter(),
                       {.clock = Clock::Real(),
                        .on_error = [](const absl::Status&) { Throw(); }});
    SLUICE_LOG(&logger, kInfo, "line");
    logger.RunOnce();
  });
}

}  // namespace
}  // namespace sluice

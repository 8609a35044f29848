// Tests a server that passes its work to workers, in order for each stream, and
// answers through handles, in simulated worlds.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/executor.h"
#include "sluice/base/strand.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/tests/sim/sim_talker.h"
#include "sluice/tests/support/watched_handler.h"

namespace sluice {
namespace {

struct WorkCounts {
  int sessions = 0;                           // existing sessions
  int messages = 0;                           // existing messages of handles
  int scheduled = 0, run = 0, abandoned = 0;  // tasks
  int not_found = 0;                          // answers of handles
};

// The state that the handler of a stream shares with its work.
struct Session {
  Session(Executor* workers, WorkCounts* work_counts)
      : strand(workers, /*max_tasks_per_run=*/2), counts(*work_counts) {
    ++counts.sessions;
  }
  ~Session() { --counts.sessions; }

  Strand strand;
  WorkCounts& counts;
  StreamHandle handle;
  uint64_t next_task = 0;  // in the order of requests
  bool closed = false;     // OnClosed() was called
};

// A part of a posted callable. Counts how many such callables exist.
class Message {
 public:
  explicit Message(WorkCounts* counts) : counts_(counts) {
    ++counts_->messages;
  }
  Message(Message&& other) noexcept
      : counts_(std::exchange(other.counts_, nullptr)) {}
  ~Message() {
    if (counts_ != nullptr) --counts_->messages;
  }

 private:
  WorkCounts* counts_;
};

// A task that answers one request. The task owns itself.
class Work final : public Task {
 public:
  // Schedules the answer to `request`. The last request of a stream is empty
  // and half-closes the stream.
  static void Schedule(std::shared_ptr<Session> session, uint64_t number,
                       absl::string_view request) {
    Session& s = *session;
    ++s.counts.scheduled;
    EXPECT_TRUE(s.strand.Schedule(
        new Work(std::move(session), number, std::string(request))));
  }

  void Run() override {
    const std::unique_ptr<Work> self(this);
    ++session_->counts.run;
    EXPECT_EQ(session_->next_task++, number_) << "out of order";
    EXPECT_TRUE(session_->strand.role().IsCurrent());
    const absl::Status status = Answer();
    if (session_->closed) {
      EXPECT_TRUE(absl::IsNotFound(status)) << status;
    } else {
      EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
    }
    if (!status.ok()) ++session_->counts.not_found;
  }
  void Abandon() override {
    const std::unique_ptr<Work> self(this);
    ++session_->counts.abandoned;
  }

 private:
  friend std::unique_ptr<Work>::deleter_type;

  Work(std::shared_ptr<Session> session, uint64_t number, std::string request)
      : session_(std::move(session)),
        number_(number),
        request_(std::move(request)) {}
  ~Work() override = default;

  absl::Status Answer() {
    if (request_.empty()) return session_->handle.ShutdownWrite();
    // Three answers in a row go through Write(). They are sent together.
    if (number_ % 4 > 0) return session_->handle.Write(std::move(request_));
    return session_->handle.Post(
        [message = Message(&session_->counts), answer = std::move(request_)](
            Stream& stream) { stream.Write(answer); });
  }

  const std::shared_ptr<Session> session_;
  const uint64_t number_;
  std::string request_;
};

class WorkHandler final : public StreamHandler {
 public:
  WorkHandler(Executor* workers, WorkCounts* counts)
      : session_(std::make_shared<Session>(workers, counts)) {}

  void OnOpen(Stream& stream) override { session_->handle = stream.handle(); }
  size_t OnInput(Stream&, absl::string_view input) override {
    Work::Schedule(session_, requests_++, input);
    return input.size();
  }
  void OnInputEnd(Stream&) override {
    Work::Schedule(session_, requests_++, "");
  }
  void OnClosed(Stream& stream, absl::Status, CloseReason) override {
    EXPECT_EQ(stream.handle(), StreamHandle());
    EXPECT_TRUE(absl::IsNotFound(session_->handle.ShutdownWrite()) ||
                session_->handle == StreamHandle());
    session_->closed = true;
  }

 private:
  const std::shared_ptr<Session> session_;
  uint64_t requests_ = 0;
};

void StartServer(SimEchoWorld& world, WorkCounts* counts) {
  world.StartServer([&world, counts] {
    return std::make_unique<WorkHandler>(world.server_host().workers(), counts);
  });
}

void ExpectNoWorkLeft(const WorkCounts& counts) {
  EXPECT_EQ(counts.run + counts.abandoned, counts.scheduled);
  EXPECT_EQ(counts.sessions, 0);
  EXPECT_EQ(counts.messages, 0);
}

TEST(SimStrandTest, EachRequestIsAnsweredOnceAndInOrder) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/100, /*loss=*/true), [](SimNetwork& network) {
        WorkCounts work;
        HandlerCounts counts;
        SimEchoWorld world(&network);
        const std::vector<SimTalker::Options> talkers = DrawSimTalkers(world);
        StartServer(world, &work);
        StartSimTalkers(world, talkers, &counts);
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     MostTimeOf(world, talkers)))
            << "it stalls";
        for (const auto& talker : SimTalkersOf(world)) {
          EXPECT_EQ(talker->reason(), CloseReason::kNormal) << talker->why();
          EXPECT_EQ(talker->received(), talker->options().bytes);
        }
        network.RunFor(absl::Seconds(1));
        EXPECT_EQ(work.not_found, 0);
        EXPECT_EQ(work.abandoned, 0);
        world.StopAndExpectNothingLeft();
        ExpectNoWorkLeft(work);
      });
}

TEST(SimStrandTest, NoWorkIsLeftWhenStreamsAndHostsEnd) {
  RunSimTest(FailingWorlds(/*seeds=*/100), [](SimNetwork& network) {
    WorkCounts work;
    HandlerCounts counts;
    SimEchoWorld world(&network);
    world.shape().server.connection.idle_timeout = absl::Minutes(3);
    std::vector<SimTalker::Options> talkers = DrawSimTalkers(world);
    for (SimTalker::Options& talker : talkers) {
      talker.connect_timeout = absl::Minutes(1);
      talker.connection.idle_timeout = absl::Minutes(3);
      if (world.random().Below(2) == 0) {
        talker.abort_at = world.random().Below(talker.bytes + 1);
      }
    }
    StartServer(world, &work);
    StartSimTalkers(world, talkers, &counts);
    const bool crash = world.random().Below(2) == 0;
    if (crash) {
      network.RunFor(world.random().UpTo(MostTimeOf(world, talkers) / 16));
      world.server_host().Crash();
      ExpectNoWorkLeft(work);
      world.server_host().Restart();
    }
    ASSERT_TRUE(
        network.RunUntil([&] { return world.client_done(); }, absl::Hours(3)));
    if (!crash) {
      EXPECT_EQ(work.abandoned, 0);
    }
    network.RunFor(absl::Minutes(10));
    world.StopAndExpectNothingLeft();
    ExpectNoWorkLeft(work);
  });
}

}  // namespace
}  // namespace sluice

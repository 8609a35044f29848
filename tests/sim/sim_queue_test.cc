// Tests how loops and other threads pass work to each other in simulated
// worlds: tasks, posts, and an EventQueue whose consumer sleeps.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/event_queue.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

constexpr size_t kBound = 8;
constexpr size_t kMost = 4;  // producers, and also consumers

struct Item {
  size_t producer;
  uint64_t number;
  MonotonicTime sent;
};

// The items that came to one consumer in one way, by Post() or by Push().
class Arrivals {
 public:
  void Add(Item item, MonotonicTime now) {
    EXPECT_EQ(item.sent, now) << "nobody woke the loop";
    EXPECT_EQ(next_[item.producer], item.number)
        << "lost, twice, or out of order";
    next_[item.producer] = item.number + 1;
  }
  uint64_t From(size_t producer) const { return next_[producer]; }

 private:
  uint64_t next_[kMost] = {};
};

// A loop to which other loops post, and which reads a queue when its task runs.
class Consumer {
 public:
  Consumer(EventLoop* loop, SimRandom* random)
      : loop_(*loop), random_(*random) {}

  // Posts `item`. Returns false if there was no room. Any loop may call this.
  bool Post(Item item) {
    const absl::Status status = loop_.Post([this, item] {
      EXPECT_GT(posted_, 0u);
      --posted_;
      posts_.Add(item, loop_.clock().Now());
      if (random_.Below(4) == 0) PostToItself();
    });
    if (status.ok()) {
      ++posted_;
      EXPECT_LE(posted_, kBound);
    } else {
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_EQ(posted_, kBound);
    }
    return status.ok();
  }
  bool Push(Item item) {
    switch (queue_.TryPush(std::move(item))) {
      case EventQueue<Item>::PushResult::kPushedFirst:
        loop_.Schedule(&drain_);
        return true;
      case EventQueue<Item>::PushResult::kPushed:
        return true;
      case EventQueue<Item>::PushResult::kFull:
        return false;
      case EventQueue<Item>::PushResult::kClosed:
        break;
    }
    ADD_FAILURE() << "the queue is closed";
    return false;
  }

  // Returns whether no callable of its own is waiting.
  bool idle() const { return own_ == 0; }
  const Arrivals& posts() const { return posts_; }
  const Arrivals& pushes() const { return pushes_; }

 private:
  // Posts from a callable, while the loop drains its posts.
  void PostToItself() {
    if (posted_ == kBound) return;
    ++posted_;
    ++own_;
    posting_ = true;
    const absl::Status status = loop_.Post([this, sent = loop_.clock().Now()] {
      EXPECT_FALSE(posting_) << "it is run inside the call";
      --posted_;
      --own_;
      EXPECT_EQ(loop_.clock().Now(), sent) << "nobody woke the loop";
    });
    EXPECT_TRUE(status.ok()) << status;
    posting_ = false;
  }

  void Drain() {
    EXPECT_LE(queue_.Drain(1 + random_.Below(kBound),
                           [this](Item&& item) {
                             pushes_.Add(item, loop_.clock().Now());
                           }),
              kBound);
    if (!queue_.PrepareToSleep()) loop_.ScheduleLocal(&drain_);
  }

  EventLoop& loop_;
  SimRandom& random_;
  size_t posted_ = 0;     // waiting callables
  size_t own_ = 0;        // waiting callables of its own
  bool posting_ = false;  // true: a post to itself is under way
  Arrivals posts_, pushes_;
  EventQueue<Item> queue_{kBound};
  MemberTask<&Consumer::Drain> drain_{this};
};

// Sends numbered items to all consumers, at random times, as many as fit.
class Producer {
 public:
  static constexpr uint64_t kItems = 20;  // to each consumer, each way

  Producer(size_t number, EventLoop* loop, SimRandom* random,
           std::vector<std::unique_ptr<Consumer>>* consumers)
      : number_(number),
        loop_(*loop),
        random_(*random),
        consumers_(*consumers),
        timer_([this] { Produce(); }),
        posted_(consumers->size()),
        pushed_(consumers->size()) {}

  // Starts to send. Called on the producer's loop.
  void Start() { loop_.Arm(&timer_, random_.UpTo(absl::Milliseconds(5))); }
  bool done() const {
    const auto all = [](uint64_t items) { return items == kItems; };
    return std::all_of(posted_.begin(), posted_.end(), all) &&
           std::all_of(pushed_.begin(), pushed_.end(), all);
  }

 private:
  void Produce() {
    const MonotonicTime now = loop_.clock().Now();
    for (uint64_t i = random_.Below(2 * kBound); i > 0; --i) {
      const size_t to = random_.Below(consumers_.size());
      if (posted_[to] < kItems &&
          consumers_[to]->Post({number_, posted_[to], now})) {
        ++posted_[to];
      }
      if (pushed_[to] < kItems &&
          consumers_[to]->Push({number_, pushed_[to], now})) {
        ++pushed_[to];
      }
    }
    if (!done()) Start();
  }

  const size_t number_;
  EventLoop& loop_;
  SimRandom& random_;
  std::vector<std::unique_ptr<Consumer>>& consumers_;
  CallbackTimer timer_;
  std::vector<uint64_t> posted_, pushed_;  // one count for each consumer
};

EventLoop* NewLoop(SimHost* host) {
  EventLoop::Options options;
  options.receive_buffer_size = 1;
  options.max_posted = kBound;
  return host->NewLoop(std::move(options));
}

TEST(SimQueueTest, EachItemArrivesOnceInOrderAndWakesTheConsumer) {
  SimTestWorlds worlds;
  worlds.seeds = 200;
  RunSimTest(worlds, [](SimNetwork& network) {
    SimRandom random(~network.seed() * 3);
    SimHost* const host = network.AddHost("host");
    std::vector<std::unique_ptr<Consumer>> consumers(1 + random.Below(kMost));
    for (auto& consumer : consumers) {
      consumer = std::make_unique<Consumer>(NewLoop(host), &random);
    }
    std::vector<std::unique_ptr<Producer>> producers(1 + random.Below(kMost));
    for (size_t i = 0; i < producers.size(); ++i) {
      producers[i] =
          std::make_unique<Producer>(i, NewLoop(host), &random, &consumers);
      producers[i]->Start();
    }
    const absl::Cleanup end = [host] { host->Crash(); };
    const auto all_arrived = [&] {
      for (const auto& consumer : consumers) {
        if (!consumer->idle()) return false;
        for (size_t i = 0; i < producers.size(); ++i) {
          if (consumer->posts().From(i) < Producer::kItems) return false;
          if (consumer->pushes().From(i) < Producer::kItems) return false;
        }
      }
      return true;
    };
    EXPECT_TRUE(network.RunUntil(all_arrived, absl::Seconds(10)))
        << "it stalls";
  });
}

// The loops form a ring. Each loop's task is scheduled by the loop before it,
// and nothing else wakes that loop.
TEST(SimQueueTest, ATaskWakesTheLoopItIsFor) {
  SimTestWorlds worlds;
  worlds.seeds = 200;
  RunSimTest(worlds, [](SimNetwork& network) {
    constexpr int kRounds = 20;
    SimRandom random(~network.seed() * 3);
    SimHost* const host = network.AddHost("host");
    struct Station {
      void Run() {
        if (++runs < kRounds) next->loop->Schedule(&next->task);
      }
      EventLoop* loop;
      Station* next = nullptr;
      int runs = 0;
      MemberTask<&Station::Run> task{this};
    };
    std::vector<std::unique_ptr<Station>> ring(2 + random.Below(4));
    for (size_t i = 0; i < ring.size(); ++i) {
      ring[i] = std::make_unique<Station>();
      ring[i]->loop = NewLoop(host);
    }
    for (size_t i = 0; i < ring.size(); ++i) {
      ring[i]->next = ring[(i + 1) % ring.size()].get();
    }
    const absl::Cleanup end = [host] { host->Crash(); };
    network.RunFor(absl::Seconds(1));  // now all loops sleep
    ring[0]->loop->Schedule(&ring[0]->task);
    const MonotonicTime begin = network.now();
    EXPECT_TRUE(network.RunUntil([&] { return ring[0]->runs == kRounds; },
                                 absl::Seconds(1)))
        << "a loop sleeps on";
    EXPECT_EQ(network.now(), begin);
  });
}

}  // namespace
}  // namespace sluice

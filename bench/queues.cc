// Compares EventQueue with other queues between threads, and the calls that
// EventLoop offers to other threads with the wake-ups of other loops.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/bench/loop_contenders.h"
#include "sluice/bench/queue_contenders.h"
#include "sluice/bench/report/comparison.h"
#include "sluice/bench/report/cpu_time.h"
#include "sluice/bench/report/cpus.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// ---------------------------------------------------------------------------
// Events through a queue
// ---------------------------------------------------------------------------

constexpr size_t kCapacity = 4'096;
constexpr uint64_t kEvents = 400'000;

template <size_t kBytes>
struct Event {
  uint64_t number = 0;
  uint64_t more[kBytes / 8 - 1];
};

// Returns the wall time, and the CPU time of all threads, in nanoseconds for
// each event. Producers push as fast as they can while the consumer drains the
// queue. A thread that can do nothing yields.
template <typename Q, typename T>
std::vector<double> PassEvents(size_t producers, const Cpus& cpus) {
  const uint64_t share = kEvents / producers;
  Q queue(kCapacity);
  std::atomic<size_t> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (size_t p = 1; p <= producers; ++p) {
    threads.emplace_back([&, p] {
      cpus.Pin(p);
      typename Q::Producer producer(&queue);
      ready.fetch_add(1);
      while (!go.load()) std::this_thread::yield();
      for (uint64_t i = 0; i < share; ++i) {
        T event = {i, {}};
        // NOLINTNEXTLINE(bugprone-use-after-move): moved only when pushed.
        while (!producer.Push(std::move(event))) std::this_thread::yield();
      }
    });
  }
  cpus.Pin(0);
  while (ready.load() < producers) std::this_thread::yield();
  const MonotonicTime begin = Clock::Real()->Now();
  const absl::Duration cpu_begin = ProcessCpuTime();
  go.store(true);
  uint64_t sum = 0;
  for (uint64_t count = 0; count < share * producers;) {
    const uint64_t drained =
        queue.Drain([&sum](const T& event) { sum += event.number; });
    if (drained == 0) std::this_thread::yield();
    count += drained;
  }
  const absl::Duration wall = Clock::Real()->Now() - begin;
  for (std::thread& thread : threads) thread.join();
  const absl::Duration cpu = ProcessCpuTime() - cpu_begin;
  SLUICE_CHECK(sum == producers * (share * (share - 1) / 2));
  const auto events = static_cast<double>(share * producers);
  return {absl::ToDoubleNanoseconds(wall) / events,
          absl::ToDoubleNanoseconds(cpu) / events};
}

template <typename T>
ComparedCase EventsCase(size_t producers, size_t cpu_count) {
  const Cpus cpus(cpu_count);
  ComparedCase result{
      .name = absl::StrCat(
          producers, producers == 1 ? " producer, " : " producers, ", sizeof(T),
          " bytes, ", cpu_count, cpu_count == 1 ? " CPU" : " CPUs"),
      .metrics = {"ns per event", "CPU ns per event"},
      .contenders = {}};
  const auto add = [&]<typename Q>(const char* name) {
    result.contenders.push_back(
        {name, [=] { return PassEvents<Q, T>(producers, cpus); }});
  };
  if (producers == 1) {
    add.template operator()<BareSpscRing<T>>("bare ring, one producer");
  } else {
    add.template operator()<BareMpscRing<T>>("bare sequence ring");
  }
  add.template operator()<SluiceQueue<T>>("Sluice");
  add.template operator()<SluiceQueueThatArms<T>>(
      "Sluice, PrepareToSleep() when empty");
  add.template operator()<SluiceQueueOfBatches<T>>("Sluice, batches of 16");
  add.template operator()<Moodycamel<T>>("moodycamel (unbounded)");
  add.template operator()<MoodycamelInBulk<T>>("moodycamel, dequeued in bulk");
  add.template operator()<MoodycamelWithTokens<T>>(
      "moodycamel, in bulk, tokens");
  add.template operator()<BoostLockfree<T>>("boost::lockfree::queue");
  add.template operator()<TbbQueue<T>>("tbb::concurrent_queue (unbounded)");
  add.template operator()<TbbBoundedQueue<T>>("tbb::concurrent_bounded_queue");
  add.template operator()<MutexAndDeque<T>>("mutex and deque");
  return result;
}

// ---------------------------------------------------------------------------
// Round trips between loops
// ---------------------------------------------------------------------------

constexpr int kRoundTrips = 10'000;

// Runs two loops that do nothing but call each other. Returns the wall time of
// a call there and a call back, in microseconds.
template <typename L>
std::vector<double> CallBackAndForth(const Cpus& cpus) {
  int left = kRoundTrips;
  std::unique_ptr<L> here, there;
  here = std::make_unique<L>([&] {
    if (--left == 0) here->Quit();
    there->Call();
  });
  there = std::make_unique<L>([&] {
    if (left == 0) return there->Quit();
    here->Call();
  });
  std::thread thread([&] {
    cpus.Pin(1);
    there->Run();
  });
  cpus.Pin(0);
  const MonotonicTime begin = Clock::Real()->Now();
  there->Call();
  here->Run();
  const absl::Duration wall = Clock::Real()->Now() - begin;
  thread.join();
  return {absl::ToDoubleMicroseconds(wall) / kRoundTrips};
}

ComparedCase RoundTripCase(size_t cpu_count) {
  const Cpus cpus(cpu_count);
  ComparedCase result{
      .name = absl::StrCat("round trip between sleeping loops, ", cpu_count,
                           cpu_count == 1 ? " CPU" : " CPUs"),
      .metrics = {"us"},
      .contenders = {}};
  const auto add = [&]<typename L>(const char* name) {
    result.contenders.push_back(
        {name, [=] { return CallBackAndForth<L>(cpus); }});
  };
  add.template operator()<BareLoop>("eventfd and epoll");
  add.template operator()<SluiceSchedule<>>("Sluice, Schedule");
  add.template operator()<SluicePost>("Sluice, Post");
  add.template operator()<SluiceSchedule<1'000>>(
      "Sluice, Schedule, 1,000 spins");
  add.template operator()<UvAsync>("libuv, uv_async_send");
  add.template operator()<AsioPost>("Boost.Asio, post");
  return result;
}

Comparison Queues() {
  Comparison comparison{.title = "Queues",
                        .target = "//bench:queues",
                        .packages = {"libconcurrentqueue-dev", "libboost-dev",
                                     "libtbb-dev", "libuv1-dev"},
                        .cases = {}};
  for (size_t producers : {1, 2, 4}) {
    comparison.cases.push_back(EventsCase<Event<16>>(producers, 2));
    comparison.cases.push_back(EventsCase<Event<64>>(producers, 2));
  }
  comparison.cases.push_back(EventsCase<Event<16>>(1, 1));
  comparison.cases.push_back(EventsCase<Event<16>>(4, 1));
  comparison.cases.push_back(RoundTripCase(1));
  comparison.cases.push_back(RoundTripCase(2));
  return comparison;
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput(
      "//bench:queues", sluice::RunComparison(argc, argv, sluice::Queues()));
}

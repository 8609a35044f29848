#ifndef SLUICE_EVENT_POLLER_POLLER_CONFORMANCE_H_
#define SLUICE_EVENT_POLLER_POLLER_CONFORMANCE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "sluice/event/poller/poller.h"
#include "sluice/timer/clock.h"

namespace sluice {

// The contract of Poller as tests that every poller passes, including pollers
// outside this library (testonly). To test a poller on the kernel's
// descriptors:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, PollerConformanceTest,
//       ::testing::Values(KernelPollerBackend(
//           "mine", [](size_t max_events) { return NewMyPoller(max_events);
//           })),
//       PollerBackend::Name);
//
// To test a poller in another world, such as a simulated one, write a
// PollerWorld for it.

// The descriptors and the time of the poller under test. Calls on descriptors
// neither block nor fail. Thread-compatible.
class PollerWorld {
 public:
  virtual ~PollerWorld() = default;

  // Creates a poller that returns at most `max_events` events per Wait().
  virtual absl::StatusOr<std::unique_ptr<Poller>> NewPoller(
      size_t max_events) = 0;
  // Returns the clock that measures the timeouts of Wait().
  virtual const Clock& clock() const = 0;

  // Returns how many more descriptors can be opened.
  virtual size_t room() const = 0;
  // Returns the two ends of a new stream. Each end is closed by Close(), or
  // else with the world. Takes the lowest free numbers, as the kernel does.
  // REQUIRES: room() >= 2.
  virtual std::pair<int, int> NewPair() = 0;
  virtual void Send(int fd) = 0;           // sends one byte
  virtual void Receive(int fd) = 0;        // receives all bytes that arrived
  virtual void Fill(int fd) = 0;           // sends until `fd` is not writable
  virtual void ShutdownWrite(int fd) = 0;  // sends FIN
  virtual void Close(int fd) = 0;
  // Closes `fd` in such a way that the other end reports an error.
  virtual void Reset(int fd) = 0;

  // Calls `wait`, and calls `action` while `wait` is blocked in Poller::Wait().
  // May call `action` on another thread. Returns after both have returned.
  virtual void RunDuring(absl::FunctionRef<void()> wait,
                         absl::FunctionRef<void()> action) = 0;
  // Calls `wait`, and sends a signal that has a handler while `wait` is
  // blocked. Returns false, and does neither, in a world without signals.
  virtual bool InterruptDuring(absl::FunctionRef<void()> wait) = 0;
};

// A poller under test and its world.
struct PollerBackend {
  static std::string Name(const ::testing::TestParamInfo<PollerBackend>& info) {
    return info.param.name;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const PollerBackend& backend) {
    return os << backend.name;
  }

  std::string name;  // Poller::name(); letters, digits and underscores
  std::function<std::unique_ptr<PollerWorld>()> new_world;
  // Add() refuses descriptors from this number on, with a kResourceExhausted
  // that names the number. 0 means that Add() refuses none.
  int descriptor_limit = 0;
};

// Returns a backend on the kernel's descriptors, which are sockets of this
// process. Raises the limit on descriptors (RLIMIT_NOFILE) as far as the system
// allows.
PollerBackend KernelPollerBackend(
    std::string name,
    std::function<absl::StatusOr<std::unique_ptr<Poller>>(size_t max_events)>
        new_poller,
    int descriptor_limit = 0);

class PollerConformanceTest : public ::testing::TestWithParam<PollerBackend> {
 protected:
  PollerConformanceTest() : world_(GetParam().new_world()) {}

  void SetUp() override { NewPoller(/*max_events=*/64); }
  void NewPoller(size_t max_events);

  const std::unique_ptr<PollerWorld> world_;
  std::unique_ptr<Poller> poller_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_CONFORMANCE_H_

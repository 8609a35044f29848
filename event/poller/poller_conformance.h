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

// The contract of Poller as tests that every backend passes, yours included
// (testonly). A test of a backend on the kernel's descriptors is
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, PollerConformanceTest,
//       ::testing::Values(KernelPollerBackend(
//           "mine", [](size_t max_events) { return NewMyPoller(max_events);
//           })),
//       PollerBackend::Name);
//
// A backend of another world, a simulated one, brings a PollerWorld of its own.

// The descriptors and the time that a backend under test lives with. Calls on
// descriptors neither block nor fail. Thread-compatible.
class PollerWorld {
 public:
  virtual ~PollerWorld() = default;

  // A poller that returns at most `max_events` events per Wait().
  virtual absl::StatusOr<std::unique_ptr<Poller>> NewPoller(
      size_t max_events) = 0;
  // The clock that Wait()'s timeouts run on.
  virtual const Clock& clock() const = 0;

  // How many descriptors can be opened beside those that are.
  virtual size_t room() const = 0;
  // Two ends of a stream; each is closed by Close(), or else with the world.
  // The lowest free numbers are taken, as the kernel does. REQUIRES: room()
  // >= 2.
  virtual std::pair<int, int> NewPair() = 0;
  virtual void Send(int fd) = 0;     // one byte: the other end is readable now
  virtual void Receive(int fd) = 0;  // all there is
  virtual void Fill(int fd) = 0;     // sends until `fd` is not writable
  virtual void ShutDownSend(int fd) = 0;
  virtual void Close(int fd) = 0;
  // Closes `fd` so that the other end has an error to report.
  virtual void Reset(int fd) = 0;

  // Calls `wait`, and `action` while that is blocked in Poller::Wait().
  virtual void RunDuring(absl::FunctionRef<void()> wait,
                         absl::FunctionRef<void()> action) = 0;
  // Like RunDuring(), where the action is a signal with a handler; false, and
  // neither happens, in a world without signals.
  virtual bool InterruptDuring(absl::FunctionRef<void()> wait) = 0;
};

// One backend under test.
struct PollerBackend {
  static std::string Name(const ::testing::TestParamInfo<PollerBackend>& info) {
    return info.param.name;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const PollerBackend& backend) {
    return os << backend.name;
  }

  std::string name;  // as Poller::name(), in letters, digits and underscores
  std::function<std::unique_ptr<PollerWorld>()> new_world;
  // The descriptors from this number on Add() refuses with kResourceExhausted,
  // naming it; 0: it refuses none.
  int descriptor_limit = 0;
};

// A backend on the kernel's descriptors, sockets of this process, for which the
// limit on descriptors (RLIMIT_NOFILE) is raised as far as it goes.
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

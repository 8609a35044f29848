// Makes calls drawn at random on the kernel's sockets and on simulated ones,
// and compares the results and the state that a poller reports after each call.
// A usual run has two hundred sequences of each kind; SLUICE_SEQUENCES sets
// another number.

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"

namespace sluice {
namespace {

enum class Op {
  kListen,
  kListenOnOwn,  // and closes the listener
  kConnect,
  kConnectFromOwn,
  kConnectToOwn,
  kConnectOwnToOwn,
  kAccept,
  kRead,
  kWrite,
  kShutdown,
  kPendingError,
  kClose,
  kReset,
};

struct Step {
  Op op;
  size_t who;   // index of the stream
  size_t size;  // bytes to read or write
};

constexpr size_t kStreams = 4;
constexpr int kSteps = 60;

std::string ToText(const Step& step) {
  static constexpr const char* kNames[] = {
      "listen",      "listen on own",   "connect", "connect from own",
      "connect own", "connect to self", "accept",  "read",
      "write",       "shutdown",        "error",   "close",
      "reset",
  };
  return absl::StrCat(kNames[static_cast<size_t>(step.op)], " ", step.who, " ",
                      step.size);
}

Step DrawStep(SimRandom* random) {
  // The weight of each, in the order of Op.
  static constexpr size_t kOften[] = {1, 1, 6, 2, 1, 1, 8, 10, 10, 6, 3, 4, 2};
  size_t total = 0;
  for (const size_t often : kOften) total += often;
  uint64_t drawn = random->Below(total);
  size_t op = 0;
  while (drawn >= kOften[op]) drawn -= kOften[op++];
  return {static_cast<Op>(op), random->Below(kStreams), 1 + random->Below(400)};
}

// Returns a number, or the name of an errno.
std::string Shown(IoResult result) {
  return result.ok() ? absl::StrCat(result.value())
                     : strerrorname_np(result.error());
}

// Sockets of one world: a listener, and some streams.
class Sockets {
 public:
  // `own` is an IP address that no socket uses, or a path.
  Sockets(const Platform& platform, const SocketAddress& listener,
          const SocketAddress& own, int backlog)
      : api_(*platform.sockets),
        poller_(*platform.new_poller()),
        address_(listener),
        own_(own),
        backlog_(backlog),
        streams_(kStreams) {
    EXPECT_EQ(Do({Op::kListen, 0, 0}), "ok");
  }

  // Returns the result of a step; "-" if it could not be done.
  std::string Do(const Step& step) {
    Socket& stream = streams_[step.who];
    switch (step.op) {
      case Op::kListen:
        return ListenAnew();
      case Op::kListenOnOwn:
        return Listen(own_, 0, nullptr);
      case Op::kConnect:
        return Connect(address_, nullptr, &stream);
      case Op::kConnectFromOwn:
        return Connect(address_, &own_, &stream);
      case Op::kConnectToOwn:
        return Connect(own_, nullptr, &stream);
      case Op::kConnectOwnToOwn:
        return Connect(own_, &own_, &stream);
      case Op::kAccept:
        if (!listener_ || stream) return "-";
        return Keep(api_.Accept(listener_.fd(), nullptr), &stream);
      default:
        return stream ? DoOn(step, stream) : "-";
    }
  }

  // Returns what a poller reports for all streams, and how much they could
  // read.
  std::string State() {
    std::string state = listener_ ? StateOf(listener_) : "-";
    for (const Socket& stream : streams_) {
      absl::StrAppend(&state, " ", stream ? StateOf(stream) : "-");
    }
    return state;
  }

  bool listens() const { return static_cast<bool>(listener_); }
  void Pass(absl::Duration time) { SLUICE_EXPECT_OK(poller_->Wait(time)); }

 private:
  std::string Listen(const SocketAddress& address, int backlog, Socket* keep) {
    const absl::StatusOr<int> fd = api_.Listen(address, {.backlog = backlog});
    if (!fd.ok()) return absl::StatusCodeToString(fd.status().code());
    Socket socket(&api_, *fd);
    if (keep != nullptr) *keep = std::move(socket);
    return "ok";
  }
  std::string ListenAnew() {
    if (listener_) {
      listener_.Close(CloseMode::kGraceful);
      return "closed";
    }
    const std::string result = Listen(address_, backlog_, &listener_);
    if (listener_) {
      address_ = *api_.Address(listener_.fd(), SocketApi::End::kLocal);
    }
    return result;
  }
  std::string Keep(IoResult made, Socket* socket) {
    if (!made.ok()) return Shown(made);
    *socket = Socket(&api_, static_cast<int>(made.value()));
    return "ok";
  }
  std::string Connect(const SocketAddress& to, const SocketAddress* from,
                      Socket* stream) {
    if (*stream) return "-";
    return Keep(api_.StartConnect(to, from), stream);
  }
  std::string DoOn(const Step& step, Socket& stream) {
    std::string bytes(step.size, 'x');
    const absl::string_view piece = bytes;
    switch (step.op) {
      case Op::kRead:
        return Shown(api_.Read(stream.fd(), absl::MakeSpan(bytes)));
      case Op::kWrite:
        return Shown(api_.Write(stream.fd(), absl::MakeConstSpan(&piece, 1)));
      case Op::kShutdown:
        return Shown(api_.ShutdownWrite(stream.fd()));
      case Op::kPendingError:
        return Shown(api_.PendingError(stream.fd()));
      default:
        stream.Close(step.op == Op::kReset ? CloseMode::kReset
                                           : CloseMode::kGraceful);
        return "closed";
    }
  }

  std::string StateOf(const Socket& socket) {
    SLUICE_EXPECT_OK(
        poller_->Add(socket.fd(), kReadable | kWritable, 1, AddHint::kNone));
    const auto events = poller_->Wait(absl::ZeroDuration());
    SLUICE_EXPECT_OK(events);
    IoEvents ready = 0;
    if (!events->empty()) ready = static_cast<IoEvents>((*events)[0].flags);
    SLUICE_EXPECT_OK(poller_->Remove(socket.fd()));
    const bool has_peer = api_.Address(socket.fd(), SocketApi::End::kPeer).ok();
    return absl::StrCat(ready & kReadable ? "r" : "",
                        ready & kWritable ? "w" : "", ready & kError ? "e" : "",
                        ready & kHangup ? "h" : "", has_peer ? "p" : "",
                        Shown(api_.UnreadBytes(socket.fd())));
  }

  SocketApi& api_;
  const std::unique_ptr<Poller> poller_;
  SocketAddress address_;
  const SocketAddress own_;
  const int backlog_;
  Socket listener_;
  std::vector<Socket> streams_;
};

// Returns a port that no socket uses, outside of the kernel's range.
SocketAddress FreePort(SocketApi* api, std::mt19937* random) {
  while (true) {
    const SocketAddress address = SocketAddress::Loopback4(
        static_cast<uint16_t>(10'000 + (*random)() % 20'000));
    const absl::StatusOr<int> fd = api->Listen(address, {});
    if (!fd.ok()) continue;
    api->Close(*fd, CloseMode::kGraceful);
    return address;
  }
}

class SocketDifferentialTest : public ::testing::TestWithParam<bool> {
 protected:
  SocketDifferentialTest() {
    std::string folder = ::testing::TempDir() + "/differential_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    EXPECT_EQ(chdir(folder.c_str()), 0);
  }

  // Returns true if both worlds did the same in all steps.
  bool Run(uint64_t seed) {
    SimRandom random(seed);
    const int backlog = random.Below(3) == 0 ? 0 : 100;
    const SocketAddress any = GetParam()
                                  ? SocketAddress::Parse("unix:a.sock").value()
                                  : SocketAddress::Loopback4(0);
    const SocketAddress own =
        GetParam()
            ? SocketAddress::Parse(absl::StrCat("unix:own", seed)).value()
            : FreePort(platform_.sockets, &ports_);
    SimNetwork network(
        {.seed = seed, .tcp = {.buffer_bytes = 1 << 20}, .trace = false});
    Sockets sim(network.AddHost("host")->platform(), any, own, backlog);
    Sockets kernel(platform_, any, own, backlog);
    std::string log;
    for (int i = 0; i < kSteps; ++i) {
      Step step = DrawStep(&random);
      if (!kernel.listens() && random.Below(4) == 0) step.op = Op::kListen;
      const std::string expected = kernel.Do(step);
      const std::string result = sim.Do(step);
      if (expected == "-" && result == "-") continue;
      sim.Pass(absl::Milliseconds(2));
      const std::string state = sim.State();
      const std::string settled = Settled(&kernel, state);
      absl::StrAppend(&log, ToText(step), ": ", expected, ", ", settled, "\n");
      if (result == expected && state == settled) continue;
      ADD_FAILURE() << log << "simulated: " << result << ", " << state;
      return false;
    }
    return true;
  }

 private:
  // Returns the state; if it is not as expected at once, the state a little
  // later.
  static std::string Settled(Sockets* kernel, absl::string_view expected) {
    constexpr int kMaxWaits = 200;
    std::string state = kernel->State();
    for (int i = 0; i < kMaxWaits && state != expected; ++i) {
      kernel->Pass(absl::Milliseconds(1));
      state = kernel->State();
    }
    return state;
  }

  const Platform platform_ = LinuxPlatform();
  std::mt19937 ports_{std::random_device()()};
};

TEST_P(SocketDifferentialTest, SimulatedSocketsBehaveLikeTheKernels) {
  uint64_t first = std::random_device()();
  int sequences = 200;
  const char* const many = std::getenv("SLUICE_SEQUENCES");
  if (many != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(many, &sequences));
  }
  const char* const given = std::getenv("SLUICE_SEED");
  if (given != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(given, &first));
    sequences = 1;
  }
  for (int i = 0; i < sequences; ++i) {
    const uint64_t seed = first + static_cast<uint64_t>(i);
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    if (!Run(seed)) return;
  }
}

INSTANTIATE_TEST_SUITE_P(TcpAndUnix, SocketDifferentialTest, ::testing::Bool(),
                         [](const auto& param_info) {
                           return param_info.param ? "unix" : "tcp";
                         });

}  // namespace
}  // namespace sluice

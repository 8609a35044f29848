#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Connections of a host with itself. Time passes inside each call until the
// other end knows its effect.
class SimHostPollerWorld final : public PollerWorld {
 public:
  // Creates a new network, because all pollers of one network return the same
  // number of events. Earlier networks live on with their pollers.
  absl::StatusOr<std::unique_ptr<Poller>> NewPoller(
      size_t max_events) override {
    networks_.push_back(std::make_unique<SimNetwork>(SimNetwork::Options{
        .tcp = {.max_descriptors = kMaxDescriptors},
        .poller = {.max_events = max_events},
        .trace = false,
    }));
    platform_ = &networks_.back()->AddHost("host")->platform();
    meanwhile_ = *platform_->new_poller();
    listener_ = *sockets().Listen(SocketAddress::Loopback4(0), {});
    address_ = *sockets().Address(listener_, SocketApi::End::kLocal);
    return platform_->new_poller();
  }
  const Clock& clock() const override { return *platform_->clock; }

  size_t room() const override { return kMaxDescriptors - 1; }
  std::pair<int, int> NewPair() override {
    const int a = Must(sockets().StartConnect(address_, nullptr));
    Settle();
    return {a, Must(sockets().Accept(listener_, nullptr))};
  }
  void Send(int fd) override {
    Must(Write(fd, "x"));
    Settle();
  }
  void Receive(int fd) override {
    char buffer[4096];
    while (sockets().Read(fd, absl::MakeSpan(buffer)).ok()) {
    }
    Settle();
  }
  void Fill(int fd) override {
    const std::string chunk(1 << 16, 'x');
    IoResult wrote(0);
    while (wrote.ok()) wrote = Write(fd, chunk);
    SLUICE_CHECK(wrote.would_block());
    Settle();
  }
  void ShutdownWrite(int fd) override {
    Must(sockets().ShutdownWrite(fd));
    Settle();
  }
  void Close(int fd) override {
    sockets().Close(fd, CloseMode::kGraceful);
    Settle();
  }
  void Reset(int fd) override {
    sockets().Close(fd, CloseMode::kReset);
    Settle();
  }

  void RunDuring(absl::FunctionRef<void()> wait,
                 absl::FunctionRef<void()> action) override {
    bool done = false;
    networks_.back()->At(networks_.back()->now() + absl::Milliseconds(1), [&] {
      action();
      done = true;
    });
    wait();
    EXPECT_TRUE(done) << "was not blocked";
  }
  bool InterruptDuring(absl::FunctionRef<void()>) override { return false; }

 private:
  static constexpr int kMaxDescriptors = 2'000;

  SocketApi& sockets() { return *platform_->sockets; }
  IoResult Write(int fd, absl::string_view bytes) {
    return sockets().Write(fd, absl::MakeConstSpan(&bytes, 1));
  }
  static int Must(IoResult result) {
    SLUICE_CHECK(result.ok());
    return static_cast<int>(result.value());
  }
  void Settle() { SLUICE_CHECK(meanwhile_->Wait(absl::Milliseconds(1)).ok()); }

  std::vector<std::unique_ptr<SimNetwork>> networks_;
  const Platform* platform_ = nullptr;  // of the newest network
  std::unique_ptr<Poller> meanwhile_;   // watches no descriptor
  int listener_ = -1;
  SocketAddress address_;  // its
};

INSTANTIATE_TEST_SUITE_P(
    SimNetwork, PollerConformanceTest,
    ::testing::Values(PollerBackend{
        .name = "sim_network",
        .new_world = [] { return std::make_unique<SimHostPollerWorld>(); }}),
    PollerBackend::Name);

}  // namespace
}  // namespace sluice

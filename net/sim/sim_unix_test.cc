#include "sluice/net/sim/sim_unix.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_listener.h"
#include "sluice/timer/clock.h"

// Tests of behaviour that only a simulation can cause. socket_conformance.h has
// the behaviour that simulated Unix-domain sockets share with Linux.

namespace sluice {
namespace {

using ::testing::HasSubstr;

// Returns a number, or the name of an errno.
std::string Shown(IoResult result) {
  return result.ok() ? absl::StrCat(result.value())
                     : strerrorname_np(result.error());
}

class SimUnixTest : public ::testing::Test {
 protected:
  static SocketApi& Api(SimHost* host) { return *host->platform().sockets; }
  static Socket Listen(SimHost* host, const SocketAddress& address) {
    const absl::StatusOr<int> fd = Api(host).Listen(address, {});
    SLUICE_EXPECT_OK(fd);
    return fd.ok() ? Socket(&Api(host), *fd) : Socket();
  }
  // Returns "0", or the name of an errno.
  static std::string Connect(SimHost* host, const SocketAddress& address) {
    const IoResult fd = Api(host).StartConnect(address, nullptr);
    if (!fd.ok()) return Shown(fd);
    Socket(&Api(host), static_cast<int>(fd.value()));
    return "0";
  }

  const SocketAddress kPath = SocketAddress::Parse("unix:/run/a.sock").value();
  const SocketAddress kName = SocketAddress::Parse("unix:@name").value();
  SimNetwork network_{{}};
  SimHost* const a_ = network_.AddHost("a");
  SimHost* const b_ = network_.AddHost("b");
};

TEST_F(SimUnixTest, EachHostHasNamesOfItsOwn) {
  const Socket path = Listen(a_, kPath), name = Listen(a_, kName);
  EXPECT_EQ(Connect(b_, kPath), "ENOENT");
  EXPECT_EQ(Connect(b_, kName), "ECONNREFUSED");
  const Socket same = Listen(b_, kPath), too = Listen(b_, kName);
  EXPECT_EQ(Connect(a_, kPath), "0");
  EXPECT_EQ(Connect(b_, kName), "0");
}

TEST_F(SimUnixTest, ACrashLeavesFilesButNoNames) {
  Socket path = Listen(a_, kPath), name = Listen(a_, kName);
  SocketApi::FileId before, after;
  EXPECT_EQ(Shown(Api(a_).FindFile("/run/a.sock", &before)), "0");
  a_->Crash();
  EXPECT_EQ(Shown(Api(a_).FindFile("/run/a.sock", &after)), "ENETDOWN");
  path.Close(CloseMode::kGraceful);
  name.Close(CloseMode::kGraceful);
  a_->Restart();
  EXPECT_EQ(Shown(Api(a_).FindFile("/run/a.sock", &after)), "0");
  EXPECT_TRUE(before == after);
  EXPECT_EQ(Connect(a_, kPath), "ECONNREFUSED");
  EXPECT_EQ(Connect(a_, kName), "ECONNREFUSED");
  const Socket next = Listen(a_, kPath), again = Listen(a_, kName);
  EXPECT_EQ(Connect(a_, kPath), "0");
  EXPECT_EQ(Connect(a_, kName), "0");
}

TEST_F(SimUnixTest, NoTimePassesBetweenTheEnds) {
  const MonotonicTime start = network_.now();
  const Socket listener = Listen(a_, kPath);
  const IoResult client = Api(a_).StartConnect(kPath, nullptr);
  const absl::string_view bytes = "bytes";
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(Shown(Api(a_).Write(static_cast<int>(client.value()),
                                absl::MakeConstSpan(&bytes, 1))),
            "5");
  const IoResult server = Api(a_).Accept(listener.fd(), nullptr);
  char buffer[100];
  EXPECT_EQ(Shown(Api(a_).Read(static_cast<int>(server.value()),
                               absl::MakeSpan(buffer))),
            "5");
  EXPECT_EQ(network_.now(), start);
  for (const IoResult fd : {client, server}) {
    Api(a_).Close(static_cast<int>(fd.value()), CloseMode::kGraceful);
  }
}

TEST_F(SimUnixTest, CallsAreInterruptedAndShortAsForTcp) {
  const Socket listener = Listen(a_, kPath);
  network_.faults().interrupted = 1;
  EXPECT_EQ(Connect(a_, kPath), "EINTR");
  network_.faults() = {.no_descriptors = 1};
  EXPECT_THAT(Connect(a_, kPath), HasSubstr("FILE"));
  network_.faults() = {.short_count = 1};
  const IoResult client = Api(a_).StartConnect(kPath, nullptr);
  const Socket socket(&Api(a_), static_cast<int>(client.value()));
  const std::string many(10'000, 'x');
  const absl::string_view piece = many;
  EXPECT_LT(Api(a_).Write(socket.fd(), absl::MakeConstSpan(&piece, 1)).value(),
            10'000);
}

TEST_F(SimUnixTest, AListenerRemovesItsFileAsOutsideOfSimulations) {
  bool accepted = false;
  {
    auto listener = TcpListener::Listen(
        &a_->platform(), a_->NewLoop(), kPath, {},
        [&](Socket, const SocketAddress&) { accepted = true; });
    SLUICE_ASSERT_OK(listener);
    EXPECT_EQ(Connect(a_, kPath), "0");
    EXPECT_TRUE(network_.RunUntil([&] { return accepted; }, absl::Seconds(1)));
  }
  EXPECT_EQ(Connect(a_, kPath), "ENOENT");
}

}  // namespace
}  // namespace sluice

#include "sluice/net/socket/socket_api.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A SocketApi that can only close, and records its calls.
class ClosingApi : public SocketApi {
 public:
  absl::StatusOr<int> Listen(const SocketAddress&,
                             const ListenOptions&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<SocketAddress> Address(int, End) override {
    return absl::UnimplementedError("");
  }
  IoResult Accept(int, SocketAddress*) override { return kNo; }
  IoResult StartConnect(const SocketAddress&, const SocketAddress*) override {
    return kNo;
  }
  IoResult PendingError(int) override { return kNo; }
  IoResult Read(int, absl::Span<char>) override { return kNo; }
  IoResult UnreadBytes(int) override { return kNo; }
  IoResult Write(int, absl::Span<const absl::string_view>) override {
    return kNo;
  }
  IoResult ShutdownWrite(int) override { return kNo; }
  IoResult SetOption(int, Option, int) override { return kNo; }
  IoResult FindFile(const std::string&, FileId*) override { return kNo; }
  IoResult RemoveFile(const std::string&) override { return kNo; }
  void Close(int fd, CloseMode mode) override { closed_.push_back({fd, mode}); }

  const std::vector<std::pair<int, CloseMode>>& closed() const {
    return closed_;
  }

 private:
  static constexpr IoResult kNo = IoResult::FromErrno(ENOSYS);
  std::vector<std::pair<int, CloseMode>> closed_;
};

TEST(SocketTest, Takes16Bytes) { static_assert(sizeof(Socket) == 16); }

TEST(SocketTest, DestructionClosesGracefully) {
  ClosingApi api;
  {
    Socket socket(&api, 7);
    EXPECT_TRUE(socket);
    EXPECT_EQ(socket.fd(), 7);
    EXPECT_EQ(&socket.api(), &api);
    EXPECT_THAT(api.closed(), IsEmpty());
  }
  EXPECT_THAT(api.closed(), ElementsAre(Pair(7, CloseMode::kGraceful)));
}

TEST(SocketTest, ClosesOnce) {
  ClosingApi api;
  {
    Socket socket(&api, 7);
    socket.Close(CloseMode::kReset);
    EXPECT_FALSE(socket);
    EXPECT_EQ(socket.fd(), -1);
    socket.Close(CloseMode::kGraceful);
  }
  EXPECT_THAT(api.closed(), ElementsAre(Pair(7, CloseMode::kReset)));
}

TEST(SocketTest, EmptyClosesNothing) {
  Socket socket;
  EXPECT_FALSE(socket);
  socket.Close(CloseMode::kReset);
  EXPECT_EQ(socket.Release(), -1);
}

TEST(SocketTest, ClosesDescriptorZero) {
  ClosingApi api;
  { Socket socket(&api, 0); }
  EXPECT_THAT(api.closed(), ElementsAre(Pair(0, CloseMode::kGraceful)));
}

TEST(SocketTest, MovingLeavesTheSourceEmpty) {
  ClosingApi api;
  {
    Socket first(&api, 7);
    Socket second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(second.fd(), 7);
    EXPECT_THAT(api.closed(), IsEmpty());
  }
  EXPECT_THAT(api.closed(), ElementsAre(Pair(7, CloseMode::kGraceful)));
}

TEST(SocketTest, AssignmentClosesTheOldDescriptorWithItsOwnApi) {
  ClosingApi api7;
  ClosingApi api8;
  {
    Socket socket(&api7, 7);
    socket = Socket(&api8, 8);
    EXPECT_THAT(api7.closed(), ElementsAre(Pair(7, CloseMode::kGraceful)));
    EXPECT_THAT(api8.closed(), IsEmpty());
    EXPECT_EQ(&socket.api(), &api8);
  }
  EXPECT_THAT(api8.closed(), ElementsAre(Pair(8, CloseMode::kGraceful)));
}

TEST(SocketTest, SelfAssignmentKeepsTheDescriptor) {
  ClosingApi api;
  Socket socket(&api, 7);
  Socket& same = socket;
  socket = std::move(same);
  EXPECT_EQ(socket.fd(), 7);
  EXPECT_THAT(api.closed(), IsEmpty());
}

TEST(SocketTest, ReleaseGivesUpOwnership) {
  ClosingApi api;
  {
    Socket socket(&api, 7);
    EXPECT_EQ(socket.Release(), 7);
    EXPECT_FALSE(socket);
  }
  EXPECT_THAT(api.closed(), IsEmpty());
}

}  // namespace
}  // namespace sluice

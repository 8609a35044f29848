#include "sluice/tests/fault_injection/call_faults.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

size_t Kind(absl::string_view name) {
  const absl::Span<const CallKind> kinds = CallKinds();
  const auto found =
      std::find_if(kinds.begin(), kinds.end(),
                   [&](const CallKind& kind) { return kind.name == name; });
  EXPECT_NE(found, kinds.end()) << name;
  return static_cast<size_t>(found - kinds.begin());
}

TEST(CallFaultsTest, AreListedInTheDocument) {
  std::ifstream file("docs/fault_injection.md");
  std::ostringstream document;
  document << file.rdbuf();
  for (const CallKind& kind : CallKinds()) {
    if (kind.name == kAllocation) continue;
    const std::string errors =
        absl::StrJoin(kind.errors, ", ", [](std::string* out, int error) {
          out->append(error == kShortCount ? "short" : strerrorname_np(error));
        });
    EXPECT_THAT(document.str(), ::testing::HasSubstr(absl::StrCat(
                                    "| ", kind.name, " | ", errors)));
  }
}

TEST(CallFaultsTest, FailOnlyTheChosenCallAndOnlyInBetween) {
  const CallFault fault = {.kind = Kind("listen"), .nth = 2, .error = ENOBUFS};
  EXPECT_EQ(ToString(fault), "listen 2 ENOBUFS");
  BeginCalls(&fault);
  listen(-1, 1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_FALSE(CallHasFailed());
  listen(-1, 1);
  EXPECT_EQ(errno, ENOBUFS);
  EXPECT_TRUE(CallHasFailed());
  listen(-1, 1);
  EXPECT_EQ(errno, EBADF);
  EndCalls();
  listen(-1, 1);
  EXPECT_EQ(CallCounts()[fault.kind], 3);
}

TEST(CallFaultsTest, AShortCountIsOneByte) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const CallFault fault = {
      .kind = Kind("send"), .nth = 1, .error = kShortCount};
  BeginCalls(&fault);
  EXPECT_EQ(send(ends[0], "abc", 3, 0), 1);
  EXPECT_EQ(send(ends[0], "bc", 2, 0), 2);
  EndCalls();
  char buffer[10];
  EXPECT_EQ(recv(ends[1], buffer, sizeof(buffer), 0), 3);
  for (const int end : ends) close(end);
}

TEST(CallFaultsTest, AFailingCloseClosesTheDescriptor) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  const CallFault fault = {.kind = Kind("close"), .nth = 1, .error = EIO};
  BeginCalls(&fault);
  EXPECT_EQ(close(fd), -1);
  EXPECT_EQ(errno, EIO);
  EndCalls();
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

// Eventfds, which wake loops, have no error on write(2); files have many.
TEST(CallFaultsTest, DistinguishEventfdsFromFiles) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  const uint64_t one = 1;
  BeginCalls(nullptr);
  EXPECT_EQ(write(fd, &one, sizeof(one)), 8);
  EndCalls();
  EXPECT_EQ(CallCounts()[Kind("write(eventfd)")], 1);
  EXPECT_EQ(CallCounts()[Kind("write")], 0);
  close(fd);
}

}  // namespace
}  // namespace sluice

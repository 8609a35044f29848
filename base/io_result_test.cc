#include "sluice/base/io_result.h"

#include <cerrno>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(IoResultTest, HoldsACount) {
  constexpr IoResult result(17);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.value(), 17);
  EXPECT_EQ(result.error(), 0);
  EXPECT_FALSE(result.would_block());
}

TEST(IoResultTest, ZeroIsACountAndNoError) { EXPECT_TRUE(IoResult(0).ok()); }

TEST(IoResultTest, TellsWouldBlockFromReset) {
  EXPECT_TRUE(IoResult::FromErrno(EAGAIN).would_block());
  EXPECT_FALSE(IoResult::FromErrno(ECONNRESET).would_block());
  EXPECT_EQ(IoResult::FromErrno(ECONNRESET).error(), ECONNRESET);
}

TEST(IoResultTest, StatusNamesOperationObjectAndErrno) {
  const absl::Status status =
      ToStatus(IoResult::FromErrno(ECONNRESET), "read", "10.0.0.1:80");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(),
            "read on 10.0.0.1:80: Connection reset by peer (errno 104)");
}

TEST(IoResultTest, SuccessIsOkStatus) {
  EXPECT_EQ(ToStatus(IoResult(3), "read", "x"), absl::OkStatus());
}

}  // namespace
}  // namespace sluice

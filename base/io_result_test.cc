#include "sluice/base/io_result.h"

#include <cerrno>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
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

TEST(IoResultTest, ZeroIsACountAndNotAnError) { EXPECT_TRUE(IoResult(0).ok()); }

TEST(IoResultTest, DistinguishesWouldBlockFromReset) {
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

// Both errors have the code kUnavailable.
TEST(IoResultTest, AStatusCarriesItsErrno) {
  for (const int error : {ECONNREFUSED, ECONNRESET}) {
    const absl::Status status =
        ToStatus(IoResult::FromErrno(error), "connect", "10.0.0.1:80");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ErrnoOf(status), error);
  }
}

TEST(IoResultTest, AStatusFromElsewhereHasNoErrno) {
  EXPECT_EQ(ErrnoOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(ErrnoOf(ToStatus(IoResult(3), "read", "x")), std::nullopt);
  EXPECT_EQ(ErrnoOf(absl::UnavailableError("connect (errno 111)")),
            std::nullopt);
  for (const char* const malformed : {"", "x", "11x", "0", "-1"}) {
    absl::Status status = absl::UnavailableError("");
    status.SetPayload(kErrnoTypeUrl, absl::Cord(malformed));
    EXPECT_EQ(ErrnoOf(status), std::nullopt) << malformed;
  }
}

TEST(IoResultTest, WithMessageKeepsTheCodeAndTheErrno) {
  const absl::Status status =
      ToStatus(IoResult::FromErrno(EADDRINUSE), "bind", "unix:a");
  const absl::Status changed =
      WithMessage(status, absl::StrCat(status.message(), "; try again"));
  EXPECT_EQ(changed.code(), status.code());
  EXPECT_EQ(changed.message(),
            "bind on unix:a: Address already in use (errno 98); try again");
  EXPECT_EQ(ErrnoOf(changed), EADDRINUSE);
  EXPECT_EQ(WithMessage(absl::OkStatus(), "x"), absl::OkStatus());
}

}  // namespace
}  // namespace sluice

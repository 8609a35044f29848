#include "sluice/apps/echo/resolve.h"

#include <sys/socket.h>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/status_matchers.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ResolveTest, TakesAddressesAsTheyAre) {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:80", "unix:/tmp/x", "unix:@name"}) {
    const auto address = Resolve(text);
    SLUICE_ASSERT_OK(address);
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(ResolveTest, LooksNamesUpIpv4First) {
  const auto address = Resolve("localhost:8080");
  SLUICE_ASSERT_OK(address);
  EXPECT_EQ(address->ToString(), "127.0.0.1:8080");
}

TEST(ResolveTest, AnUnknownNameIsUnavailable) {
  // RFC 6761: "invalid" never resolves.
  EXPECT_THAT(Resolve("name.invalid:80"),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("look-up of name.invalid:80")));
}

TEST(ResolveTest, WhatIsNeitherIsInvalid) {
  for (const char* text :
       {"", "localhost", "localhost:", "localhost:99999", "localhost:-1", ":80",
        "300.1.1.1:80", "a b:80", "[::1:80", "::1:80"}) {
    EXPECT_THAT(Resolve(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace sluice

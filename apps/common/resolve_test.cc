#include "sluice/apps/common/resolve.h"

#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ResolveTest, TakesAddressesAsTheyAre) {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:80", ":80", "unix:/tmp/x", "unix:@name"}) {
    const auto address = Resolve(text);
    SLUICE_ASSERT_OK(address);
    EXPECT_EQ(address->ToString(), text);
  }
}

// Neither a file nor a name server has the longer names.
TEST(ResolveTest, LocalhostIsLoopbackWithoutALookUp) {
  for (const char* host : {"localhost", "LocalHost", "localhost.",
                           "a.b.localhost", "no-such-name.LOCALHOST."}) {
    const auto address = Resolve(absl::StrCat(host, ":8080"));
    SLUICE_ASSERT_OK(address);
    EXPECT_EQ(address->ToString(), "127.0.0.1:8080") << host;
  }
}

TEST(ResolveTest, ShortFormsOfIpv4AreRefused) {
  for (const char* host :
       {"127.1", "0x7f.1", "0x7f000001", "2130706433", "127.0.0.01",
        "127.0.0.1.", "1.2.3.0X4", "a.7", "300.1.1.1", "0x", "1.2.3.4.5"}) {
    EXPECT_THAT(Resolve(absl::StrCat(host, ":80")),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("four decimal numbers")))
        << host;
  }
}

// These names are looked up and not found.
TEST(ResolveTest, NamesMayHaveNumbersBeforeTheirLastPart) {
  for (const char* host : {"1.2.invalid", "7a.0x.invalid", "a1.1a.invalid."}) {
    EXPECT_THAT(Resolve(absl::StrCat(host, ":80")),
                StatusIs(absl::StatusCode::kUnavailable))
        << host;
  }
}

TEST(ResolveTest, AnUnknownNameIsUnavailable) {
  // RFC 6761: "invalid" never resolves.
  EXPECT_THAT(Resolve("name.invalid:80"),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("look-up of name.invalid:80")));
}

TEST(ResolveTest, TextThatIsNoAddressAndNoNameIsInvalid) {
  for (const char* text :
       {"", "localhost", "localhost:", "localhost:99999", "localhost:-1", ":",
        "300.1.1.1:80", "a b:80", "[::1:80", "::1:80"}) {
    EXPECT_THAT(Resolve(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace sluice

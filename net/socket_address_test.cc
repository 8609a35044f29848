#include "sluice/net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

SocketAddress MustParse(absl::string_view text) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
  SLUICE_EXPECT_OK(address);
  return address.value_or(SocketAddress());
}

// Returns the problem that Parse() names; "" if there is none.
std::string ProblemOf(absl::string_view text) {
  const absl::Status status = SocketAddress::Parse(text).status();
  EXPECT_THAT(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

template <typename Sockaddr>
absl::StatusOr<SocketAddress> From(const Sockaddr& address,
                                   socklen_t size = sizeof(Sockaddr)) {
  return SocketAddress::FromSockaddr(
      reinterpret_cast<const sockaddr*>(&address), size);
}

absl::StatusOr<SocketAddress> FromUnix(absl::string_view sun_path) {
  std::string bytes(offsetof(sockaddr_un, sun_path), '\0');
  const sa_family_t family = AF_UNIX;
  std::memcpy(bytes.data(), &family, sizeof(family));
  bytes.append(sun_path.data(), sun_path.size());
  return SocketAddress::FromSockaddr(
      reinterpret_cast<const sockaddr*>(bytes.data()), bytes.size());
}

TEST(SocketAddressTest, TakesTheDocumented136Bytes) {
  static_assert(sizeof(SocketAddress) == 136);
}

TEST(SocketAddressTest, DefaultIsNoAddress) {
  const SocketAddress none;
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.unix_path(), "");
  EXPECT_EQ(none.ToString(), "unspecified");
  EXPECT_THAT(ProblemOf("unspecified"), HasSubstr("no port"));
  EXPECT_EQ(none, SocketAddress());
}

TEST(SocketAddressTest, ParsesIpv4) {
  const SocketAddress address = MustParse("192.0.2.7:8080");
  ASSERT_EQ(address.family(), AF_INET);
  ASSERT_EQ(address.size(), sizeof(sockaddr_in));
  EXPECT_EQ(address.port(), 8080);
  const auto* in = reinterpret_cast<const sockaddr_in*>(address.data());
  EXPECT_EQ(ntohl(in->sin_addr.s_addr), 0xC0000207u);
  EXPECT_EQ(ntohs(in->sin_port), 8080);
}

TEST(SocketAddressTest, ParsesIpv6) {
  const SocketAddress address = MustParse("[2001:db8::1]:443");
  ASSERT_EQ(address.family(), AF_INET6);
  ASSERT_EQ(address.size(), sizeof(sockaddr_in6));
  EXPECT_EQ(address.port(), 443);
  const auto* in = reinterpret_cast<const sockaddr_in6*>(address.data());
  EXPECT_EQ(in->sin6_addr.s6_addr[0], 0x20);
  EXPECT_EQ(in->sin6_addr.s6_addr[15], 1);
  EXPECT_EQ(in->sin6_scope_id, 0u);
}

TEST(SocketAddressTest, ParsesAnAddressOfBothFamilies) {
  const SocketAddress address = MustParse(":8080");
  EXPECT_EQ(address, SocketAddress::Everywhere(8080));
  EXPECT_TRUE(address.both_families());
  EXPECT_EQ(address.family(), AF_INET6);
  EXPECT_EQ(address.port(), 8080);
  EXPECT_EQ(address.ToString(), ":8080");
  const SocketAddress ipv6 = MustParse("[::]:8080");
  EXPECT_FALSE(ipv6.both_families());
  EXPECT_FALSE(ipv6 == address);
  EXPECT_EQ(ipv6.ToString(), "[::]:8080");
}

TEST(SocketAddressTest, ParsesANumericScope) {
  const SocketAddress address = MustParse("[fe80::1%4294967295]:80");
  const auto* in = reinterpret_cast<const sockaddr_in6*>(address.data());
  EXPECT_EQ(in->sin6_scope_id, 4294967295u);
  EXPECT_EQ(address.ToString(), "[fe80::1%4294967295]:80");
}

TEST(SocketAddressTest, LooksUpAScopeThatIsAnInterface) {
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) GTEST_SKIP() << "there is no interface lo";
  EXPECT_EQ(MustParse("[fe80::1%lo]:80"),
            MustParse(absl::StrCat("[fe80::1%", loopback, "]:80")));
}

TEST(SocketAddressTest, ParsesUnixPaths) {
  for (const std::string path : {"/run/a.sock", "relative", "a b:c%[]"}) {
    const SocketAddress address = MustParse("unix:" + path);
    ASSERT_EQ(address.family(), AF_UNIX);
    EXPECT_EQ(address.size(),
              offsetof(sockaddr_un, sun_path) + path.size() + 1);
    EXPECT_EQ(address.unix_path(), path);
    const auto* un = reinterpret_cast<const sockaddr_un*>(address.data());
    EXPECT_STREQ(un->sun_path, path.c_str());
    EXPECT_EQ(address.port(), 0);
    EXPECT_EQ(address.ToString(), "unix:" + path);
  }
}

TEST(SocketAddressTest, ParsesAbstractNames) {
  const SocketAddress address = MustParse("unix:@name");
  ASSERT_EQ(address.family(), AF_UNIX);
  ASSERT_EQ(address.size(), offsetof(sockaddr_un, sun_path) + 5);
  const auto* un = reinterpret_cast<const sockaddr_un*>(address.data());
  EXPECT_EQ(absl::string_view(un->sun_path, 5), absl::string_view("\0name", 5));
  EXPECT_EQ(address.unix_path(), "");
}

TEST(SocketAddressTest, DistinguishesUnnamedFromEmptyAbstract) {
  const SocketAddress unnamed = MustParse("unix:");
  EXPECT_EQ(unnamed.size(), sizeof(sa_family_t));
  EXPECT_EQ(unnamed.family(), AF_UNIX);
  EXPECT_EQ(unnamed.ToString(), "unix:");
  const SocketAddress empty = MustParse("unix:@");
  EXPECT_EQ(empty.size(), sizeof(sa_family_t) + 1);
  EXPECT_EQ(empty.ToString(), "unix:@");
  EXPECT_FALSE(unnamed == empty);
}

TEST(SocketAddressTest, EscapesMakeEveryUnixNamePrintable) {
  EXPECT_EQ(FromUnix(absl::string_view("\0\0\n\\\xff@", 6))->ToString(),
            "unix:@\\x00\\x0a\\x5c\\xff@");
  EXPECT_EQ(FromUnix("tab\there")->ToString(), "unix:tab\\x09here");
  EXPECT_EQ(MustParse("unix:@\\x00\\x0A\\x5c\\xFf@"),
            *FromUnix(absl::string_view("\0\0\n\\\xff@", 6)));
  EXPECT_EQ(MustParse("unix:\\x2ftmp"), MustParse("unix:/tmp"));
}

TEST(SocketAddressTest, APathThatBeginsWithAnAtSignIsNotAbstract) {
  const SocketAddress address = *FromUnix("@file");
  EXPECT_EQ(address.unix_path(), "@file");
  EXPECT_EQ(address.ToString(), "unix:\\x40file");
  EXPECT_EQ(MustParse("unix:\\x40file"), address);
  EXPECT_FALSE(MustParse("unix:@file") == address);
}

TEST(SocketAddressTest, TakesTheLongestUnixNamesAndNoLonger) {
  const std::string longest(107, 'x');
  EXPECT_EQ(MustParse("unix:" + longest).unix_path(), longest);
  EXPECT_EQ(MustParse("unix:@" + longest).size(), sizeof(sockaddr_un));
  EXPECT_THAT(ProblemOf("unix:x" + longest),
              HasSubstr("the name has 108 bytes and the system takes 107"));
  EXPECT_THAT(ProblemOf("unix:@x" + longest), HasSubstr("108 bytes"));
}

TEST(SocketAddressTest, TakesPorts0To65535) {
  EXPECT_EQ(MustParse("1.2.3.4:0").port(), 0);
  EXPECT_EQ(MustParse("1.2.3.4:65535").port(), 65535);
  EXPECT_EQ(MustParse("[::1]:0").port(), 0);
  EXPECT_EQ(MustParse("[::1]:65535").port(), 65535);
}

TEST(SocketAddressTest, RefusesPortsThatAreNotPlainDecimal) {
  for (const char* port :
       {"", " 80", "80 ", "+80", "-1", "65536", "080", "00", "0x50", "8o",
        "http", "18446744073709551617", "4294967376"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("1.2.3.4:", port)),
                HasSubstr("the port is not a decimal number from 0 to 65535"))
        << port;
    EXPECT_THAT(ProblemOf(absl::StrCat("[::1]:", port)),
                HasSubstr("the port is not"))
        << port;
  }
}

TEST(SocketAddressTest, RefusesHostsThatAreNotNumericIpv4) {
  for (const char* host :
       {" ", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04",
        " 1.2.3.4", "1.2.3.4 ", "0x7f.0.0.1", "*"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat(host, ":80")),
                HasSubstr("the host is not a numeric IPv4 address"))
        << host;
  }
}

TEST(SocketAddressTest, RefusesIpv6WithoutBrackets) {
  EXPECT_THAT(ProblemOf("::1:80"), HasSubstr("needs brackets"));
  EXPECT_THAT(ProblemOf("[::1:80"), HasSubstr("there is no \"]:\""));
  EXPECT_THAT(ProblemOf("::1]:80"), HasSubstr("needs brackets"));
  EXPECT_THAT(ProblemOf("[::1]80"), HasSubstr("the port is not"));
  EXPECT_THAT(ProblemOf("[::1] :80"), HasSubstr("there is no \"]:\""));
}

TEST(SocketAddressTest, RefusesBracketsAroundSomethingElse) {
  for (const char* host :
       {"", "1.2.3.4", ":", "::1::", "g::", "::1 ", "[::1"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("[", host, "]:80")),
                HasSubstr("in the brackets is not a numeric IPv6 address"))
        << host;
  }
}

TEST(SocketAddressTest, RefusesScopesThatAreNoInterface) {
  for (const char* scope : {"", "0", "4294967296", "-1", "no-such-if", "1%2"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("[fe80::1%", scope, "]:80")),
                HasSubstr("the scope after % is not a network interface"))
        << scope;
  }
}

TEST(SocketAddressTest, RefusesTextWithoutAPort) {
  EXPECT_THAT(ProblemOf(""), HasSubstr("there is no port"));
  EXPECT_THAT(ProblemOf("127.0.0.1"), HasSubstr("there is no port"));
  EXPECT_THAT(ProblemOf("UNIX"), HasSubstr("there is no port"));
}

TEST(SocketAddressTest, RefusesNulsThatWouldHideText) {
  EXPECT_THAT(ProblemOf(absl::string_view("127.0.0.1\0.evil:80", 18)),
              HasSubstr("there is a NUL"));
  EXPECT_THAT(ProblemOf(absl::string_view("[::1\0]:80", 9)),
              HasSubstr("there is a NUL"));
  EXPECT_THAT(ProblemOf("unix:/tmp/a\\x00b"),
              HasSubstr("there is a NUL in the path"));
}

TEST(SocketAddressTest, RefusesBackslashesThatBeginNoEscape) {
  for (const char* name : {"\\", "a\\", "\\x", "\\x4", "\\x4g", "\\x4 ",
                           "\\x0x", "\\xg4", "\\n", "\\\\", "\\X41", "@\\"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("unix:", name)),
                HasSubstr("a backslash begins no \\xNN"))
        << name;
  }
}

TEST(SocketAddressTest, ErrorsQuoteTheTextAndNameTheProblem) {
  EXPECT_EQ(
      ProblemOf("local\nhost:80"),
      "address \"local\\nhost:80\": the host is not a numeric IPv4 "
      "address; expected 1.2.3.4:80, [::1]:80, :80, unix:/path or unix:@name");
}

TEST(SocketAddressTest, NamesTheLoopbacks) {
  EXPECT_EQ(SocketAddress::Loopback4(80).ToString(), "127.0.0.1:80");
  EXPECT_EQ(SocketAddress::Loopback6(80).ToString(), "[::1]:80");
}

TEST(SocketAddressTest, EqualityIgnoresPaddingAndFlowLabels) {
  sockaddr_in in;
  std::memset(&in, 0xAA, sizeof(in));
  in.sin_family = AF_INET;
  in.sin_port = htons(80);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(*From(in), SocketAddress::Loopback4(80));

  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(80);
  in6.sin6_addr = in6addr_loopback;
  in6.sin6_flowinfo = htonl(77);
  EXPECT_EQ(*From(in6), SocketAddress::Loopback6(80));

  EXPECT_EQ(*FromUnix(absl::string_view("/a\0zzz", 6)), MustParse("unix:/a"));
  EXPECT_EQ(*FromUnix("/a"), MustParse("unix:/a"));

  sockaddr_storage larger{};
  std::memcpy(&larger, &in, sizeof(in));
  EXPECT_EQ(*From(larger), SocketAddress::Loopback4(80));
}

TEST(SocketAddressTest, EqualityComparesEveryPart) {
  const std::vector<std::string> all = {
      "127.0.0.1:80",    "127.0.0.1:81", "127.0.0.2:80", "[::1]:80",
      "[::1]:81",        "[::2]:80",     "[::1%1]:80",   "[::1%2]:80",
      "unix:/a",         "unix:/b",      "unix:/ab",     "unix:a",
      "unix:@a",         "unix:@a\\x00", "unix:@",       "unix:",
      "[::127.0.0.1]:80"};
  for (const std::string& a : all) {
    for (const std::string& b : all) {
      EXPECT_EQ(MustParse(a) == MustParse(b), a == b) << a << " and " << b;
    }
  }
}

TEST(SocketAddressTest, FromSockaddrRefusesShortAddresses) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  EXPECT_THAT(From(in, sizeof(in) - 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("15 bytes"), HasSubstr("too short"))));
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  EXPECT_THAT(From(in6, sizeof(in6) - 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(From(in6, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(From(in6, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SocketAddressTest, FromSockaddrRefusesOtherFamilies) {
  sockaddr_storage other{};
  for (const int family : {AF_UNSPEC, AF_NETLINK, AF_PACKET}) {
    other.ss_family = static_cast<sa_family_t>(family);
    EXPECT_THAT(From(other), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr(absl::StrCat(family))));
  }
}

TEST(SocketAddressTest, FromSockaddrRefusesUnixNamesThatDoNotFit) {
  EXPECT_EQ(FromUnix(std::string(107, 'x'))->unix_path().size(), 107u);
  EXPECT_THAT(FromUnix(std::string(108, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FromUnix(std::string(109, '\0')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

class RandomAddressTest : public ::testing::Test {
 protected:
  // Returns a number below `n`.
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  std::string Bytes(size_t size, uint32_t least) {
    std::string bytes;
    while (bytes.size() < size) {
      bytes.push_back(static_cast<char>(least + Below(256 - least)));
    }
    return bytes;
  }

  absl::StatusOr<SocketAddress> RandomAddress() {
    switch (Below(5)) {
      case 0: {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = static_cast<in_port_t>(random_());
        in.sin_addr.s_addr = static_cast<in_addr_t>(random_());
        return From(in);
      }
      case 1: {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = static_cast<in_port_t>(random_());
        // Adds runs of zeros, which the text form abbreviates.
        for (uint8_t& byte : in.sin6_addr.s6_addr) {
          byte = static_cast<uint8_t>(Below(2) * Below(256));
        }
        in.sin6_scope_id = Below(2) * static_cast<uint32_t>(random_());
        return From(in);
      }
      case 2:
        return FromUnix(Bytes(1 + Below(107), /*least=*/1));
      case 3:
        return FromUnix(std::string(1, '\0') + Bytes(Below(108), /*least=*/0));
      default:
        return FromUnix("");
    }
  }

  const uint64_t seed_ = TestSeed();
  std::mt19937_64 random_{seed_};
};

TEST_F(RandomAddressTest, ParseReadsTheTextOfToString) {
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed_));
  for (int i = 0; i < 5000; ++i) {
    const absl::StatusOr<SocketAddress> address = RandomAddress();
    SLUICE_ASSERT_OK(address);
    const std::string text = address->ToString();
    for (const char c : text) ASSERT_TRUE(c >= ' ' && c <= '~') << text;
    const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
    SLUICE_ASSERT_OK(parsed);
    ASSERT_EQ(*parsed, *address) << text;
    ASSERT_EQ(parsed->ToString(), text);
    ASSERT_EQ(*SocketAddress::FromSockaddr(address->data(), address->size()),
              *address)
        << text;
  }
}

TEST_F(RandomAddressTest, ParseOfNoiseIsAnErrorOrRoundTrips) {
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed_));
  const absl::string_view alphabet("0159.:[]%abfux\\@/ \0unix:", 24);
  for (int i = 0; i < 20000; ++i) {
    std::string text = Below(2) == 0 ? "unix:" : "";
    for (uint32_t n = Below(24); n > 0; --n) {
      text.push_back(alphabet[Below(static_cast<uint32_t>(alphabet.size()))]);
    }
    const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
    if (!parsed.ok()) continue;
    ASSERT_EQ(MustParse(parsed->ToString()), *parsed) << text;
  }
}

}  // namespace
}  // namespace sluice

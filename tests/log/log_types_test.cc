// Tests that types of packages that do not depend on the log can be logged.

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/internal/log_args.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/log_text.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

template <typename T>
std::string Logged(const T& value) {
  SLUICE_LOG_SITE(site, kInfo, "<{}>", value);
  const LogArgs<T> args(value);
  const auto bytes = std::make_unique<char[]>(args.size());
  args.CopyTo(bytes.get());
  LogText text;
  site.print(bytes.get(), text);
  return std::string(text.view());
}

TEST(LogTypes, PrintsASocketAddressAsItsToString) {
  for (const char* text : {"127.0.0.1:80", "[::1]:443", "unix:/run/a.sock",
                           "unix:@name", "unix:"}) {
    const auto address = SocketAddress::Parse(text);
    SLUICE_ASSERT_OK(address);
    EXPECT_EQ(Logged(*address), "<" + std::string(text) + ">");
  }
  EXPECT_EQ(Logged(SocketAddress()), "<unspecified>");
}

TEST(LogTypes, CopiesASocketAddressWithoutFormattingIt) {
  const LogArgs<SocketAddress> args(SocketAddress::Loopback4(80));
  EXPECT_EQ(args.size(), sizeof(SocketAddress));
}

}  // namespace
}  // namespace sluice

#include "sluice/log/log_site.h"

#include <string>

#include "gtest/gtest.h"
#include "sluice/log/log_args.h"
#include "sluice/log/log_line.h"

namespace sluice {
namespace {

// The line that a call would make.
template <typename... Args>
std::string Line(LogLineFormatter::Style style, const LogSite& site,
                 const Args&... arguments) {
  const LogArgs<Args...> args(arguments...);
  std::string bytes(args.size(), '\0');
  args.CopyTo(bytes.data());
  LogText text;
  LogLineFormatter formatter(style);
  formatter.Begin({0, site.severity, "main", site.file, 42}, text);
  site.print(bytes.data(), text);
  formatter.End(text);
  return std::string(text.view());
}

TEST(LogSite, PrintsWhatTheArgumentsCopied) {
  const std::string peer = "127.0.0.1:80";
  SLUICE_LOG_SITE(site, kInfo, "request {} took {} ms for {}", 1, 2.5, peer);
  EXPECT_EQ(Line(LogLineFormatter::Style::kText, site, 1, 2.5, peer),
            "1970-01-01T00:00:00.000000Z I main log_site_test.cc:42] "
            "request 1 took 2.5 ms for 127.0.0.1:80\n");
  EXPECT_EQ(Line(LogLineFormatter::Style::kJson, site, 1, 2.5, peer),
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\","
            "\"thread\":\"main\",\"file\":\"log/log_site_test.cc\",\"line\":42,"
            "\"message\":\"request 1 took 2.5 ms for 127.0.0.1:80\"}\n");
}

TEST(LogSite, NeedsNoArguments) {
  SLUICE_LOG_SITE(site, kError, "{{}}");
  EXPECT_EQ(Line(LogLineFormatter::Style::kText, site),
            "1970-01-01T00:00:00.000000Z E main log_site_test.cc:42] {}\n");
}

}  // namespace
}  // namespace sluice

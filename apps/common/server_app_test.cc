#include "sluice/apps/common/server_app.h"

#include <signal.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_server.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// Tests what an app adds to a server. //tests/echo:echo_* test the rest, on a
// whole server.
class ServerAppTest : public ::testing::Test {
 protected:
  ServerAppTest()
      : app_({.program = "test server",
              .summary = "tests",
              .thread_name = "test"}) {
    app_.command_line()->AddInt("limit", "a flag of the app", 0, &limit_);
  }

  // Runs the program with `arguments`; returns its exit code.
  int Main(std::vector<std::string> arguments,
           ServerApp::MakeNewHandler make_new_handler) {
    arguments.insert(arguments.begin(), "server");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = app_.Main(static_cast<int>(arguments.size()), argv.data(),
                               std::move(make_new_handler));
    output_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  static TcpServer::NewHandler Refuse() {
    return [](const SocketAddress&) { return nullptr; };
  }

  ServerApp app_;
  int64_t limit_ = 0;
  std::string output_;
  std::string error_;
};

TEST_F(ServerAppTest, ServesUntilASignalAndReports) {
  const int code =
      Main({"--listen=127.0.0.1:0"}, [](const ServerApp::Context& context) {
        EXPECT_NE(context.platform, nullptr);
        EXPECT_EQ(context.loops.size(), 1u);
        EXPECT_EQ(context.logger, nullptr);
        raise(SIGTERM);  // the loop drains as soon as it runs
        return Refuse();
      });
  EXPECT_EQ(code, 0);
  EXPECT_THAT(output_, MatchesRegex("listening on 127\\.0\\.0\\.1:[0-9]+\n"));
  EXPECT_THAT(error_, MatchesRegex("served 0 connections, 0 bytes in "
                                   "[0-9.]+ s, 0 forced\n"));
}

TEST_F(ServerAppTest, HelpListsTheFlagsOfTheApp) {
  EXPECT_EQ(Main({"--help"}, nullptr), 0);
  EXPECT_THAT(output_,
              AllOf(HasSubstr("test server: tests, until SIGTERM or SIGINT"),
                    HasSubstr("--listen"),
                    HasSubstr("--limit=N\n"
                              "      a flag of the "
                              "app (default 0)\n")));
}

TEST_F(ServerAppTest, ABadValueOfAFlagOfTheAppIsAUsageError) {
  const int code = Main({"--listen=127.0.0.1:0", "--limit=7"},
                        [this](const ServerApp::Context&)
                            -> absl::StatusOr<TcpServer::NewHandler> {
                          EXPECT_EQ(limit_, 7);
                          return absl::InvalidArgumentError("--limit: odd");
                        });
  EXPECT_EQ(code, 2);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(error_, "test server: --limit: odd\n--help lists the flags\n");
}

TEST_F(ServerAppTest, AnyOtherErrorOfTheFactoryIsExitCodeOne) {
  const int code = Main(
      {"--listen=127.0.0.1:0"},
      [](const ServerApp::Context&) -> absl::StatusOr<TcpServer::NewHandler> {
        return absl::NotFoundError("no such folder");
      });
  EXPECT_EQ(code, 1);
  EXPECT_EQ(error_, "test server: no such folder\n");
}

}  // namespace
}  // namespace sluice

// Tests the logs of the echo server and client.

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class EchoLogTest : public ::testing::Test {
 protected:
  EchoLogTest() {
    std::string folder = absl::StrCat(::testing::TempDir(), "/log.XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~EchoLogTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return absl::StrCat(folder_, "/echo.log"); }
  std::unique_ptr<EchoServerProcess> StartServer(const std::string& level) {
    auto server = EchoServerProcess::Start(
        {.arguments = {absl::StrCat("--log=", path()),
                       absl::StrCat("--log_level=", level)},
         .environment = PlainSignals()});
    EXPECT_THAT(server, IsOk());
    return *std::move(server);
  }
  static void EchoOnce(const EchoServerProcess& server) {
    auto client = ClientSocket::Connect(server.address());
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK(client->Send("x"));
    SLUICE_ASSERT_OK(client->Receive(1));
  }

  std::string folder_;
};

TEST_F(EchoLogTest, LogsConnectionsAtDebug) {
  auto server = StartServer("debug");
  EchoOnce(*server);
  SLUICE_ASSERT_OK(server->Drain(SIGTERM));
  EXPECT_THAT(
      Content(path()),
      AllOf(ContainsRegex(absl::StrCat(" I server server_app.cc:[0-9]+\\] "
                                       "listening on ",
                                       server->address(), "\n")),
            ContainsRegex(" D echo/0 .*127.0.0.1:[0-9]+ opened\n"),
            ContainsRegex(" D echo/0 .*127.0.0.1:[0-9]+ closed: "),
            HasSubstr("] draining, for 5s at most\n"),
            HasSubstr("] served 1 connection, 1 byte in ")));
}

TEST_F(EchoLogTest, LogsNoConnectionsAtInfo) {
  auto server = StartServer("info");
  EchoOnce(*server);
  SLUICE_ASSERT_OK(server->Drain(SIGTERM));
  EXPECT_THAT(Content(path()),
              AllOf(HasSubstr("listening on"), Not(HasSubstr("opened"))));
}

TEST_F(EchoLogTest, SighupReopensTheFile) {
  auto server = StartServer("debug");
  EchoOnce(*server);
  const std::string old = absl::StrCat(path(), ".old");
  const auto has = [](const std::string& file, const std::string& text) {
    return Content(file).find(text) != std::string::npos;
  };
  ASSERT_TRUE(Eventually([&] { return has(path(), "closed"); }, kPatience));
  std::filesystem::rename(path(), old);
  SLUICE_ASSERT_OK(server->process().Signal(SIGHUP));
  EXPECT_TRUE(
      Eventually([&] { return has(path(), "reopened on SIGHUP"); }, kPatience));
  SLUICE_ASSERT_OK(server->Drain(SIGTERM));
  EXPECT_THAT(Content(old), HasSubstr("listening on"));
  EXPECT_THAT(Content(path()),
              AllOf(Not(HasSubstr("listening on")), HasSubstr("served ")));
}

TEST_F(EchoLogTest, LinesBeforeACrashAreWritten) {
  auto server = StartServer("debug");
  SLUICE_ASSERT_OK(server->process().Signal(SIGSEGV));
  const auto ended = server->process().Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGSEGV);
  EXPECT_THAT(Content(path()),
              AllOf(HasSubstr("listening on"), HasSubstr("SIGSEGV")));
}

TEST_F(EchoLogTest, TheClientLogsToStderr) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  auto client = Process::Start(
      "apps/echo/client",
      {.arguments = {absl::StrCat("--connect=", (*server)->address()),
                     "--messages=10", "--log=stderr", "--log_level=debug"}});
  SLUICE_ASSERT_OK(client);
  const auto ended = (*client)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_THAT(ended->error,
              AllOf(HasSubstr("] connection 0 opened\n"),
                    HasSubstr("] connection 0 closed: normal\n")));
}

TEST_F(EchoLogTest, SighupReopensTheClientsFile) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  auto client = Process::Start(
      "apps/echo/client",
      {.arguments = {absl::StrCat("--connect=", (*server)->address()),
                     absl::StrCat("--log=", path()), "--log_level=debug",
                     "--duration=inf"}});
  SLUICE_ASSERT_OK(client);
  const auto has = [](const std::string& file, const std::string& text) {
    return Content(file).find(text) != std::string::npos;
  };
  ASSERT_TRUE(Eventually([&] { return has(path(), "opened"); }, kPatience));
  std::filesystem::rename(path(), absl::StrCat(path(), ".old"));
  SLUICE_ASSERT_OK((*client)->Signal(SIGHUP));
  ASSERT_TRUE(
      Eventually([&] { return has(path(), "reopened on SIGHUP"); }, kPatience));
  SLUICE_ASSERT_OK((*client)->Signal(SIGINT));
  SLUICE_ASSERT_OK((*client)->Wait(kPatience));
  EXPECT_THAT(Content(path()), HasSubstr("] connection 0 closed: normal\n"));
}

TEST_F(EchoLogTest, StandardOutputAndErrorHaveTheirUsualNames) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  for (const char* log : {"-", "/dev/stdout", "stderr", "/dev/stderr"}) {
    SCOPED_TRACE(log);
    auto client = Process::Start(
        "apps/echo/client",
        {.arguments = {absl::StrCat("--connect=", (*server)->address()),
                       "--messages=10", absl::StrCat("--log=", log),
                       "--log_level=debug"}});
    SLUICE_ASSERT_OK(client);
    const auto ended = (*client)->Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 0) << ended->error;
    const bool on_error = absl::EndsWith(log, "stderr");
    EXPECT_THAT(on_error ? ended->error : ended->output,
                HasSubstr("] connection 0 opened\n"));
    EXPECT_THAT(on_error ? ended->output : ended->error,
                Not(HasSubstr("connection 0 opened")));
  }
}

TEST_F(EchoLogTest, NothingIsLoggedToDevNull) {
  const auto server =
      EchoServerProcess::Start({.arguments = {"--log=/dev/null"}});
  SLUICE_ASSERT_OK(server);
  SLUICE_EXPECT_OK((*server)->Drain(SIGTERM));
}

// The reader opens the FIFO after the server has opened it.
TEST_F(EchoLogTest, LogsToAFifo) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  auto server = StartServer("info");
  SLUICE_ASSERT_OK(server->process().Signal(SIGHUP));
  std::ifstream reader(path());
  std::string line;
  ASSERT_TRUE(std::getline(reader, line));
  EXPECT_THAT(line, HasSubstr("listening on"));
  SLUICE_EXPECT_OK(server->Drain(SIGTERM));
}

TEST_F(EchoLogTest, SighupDoesNotEndAServerWithoutAFile) {
  for (const char* log : {"--log=", "--log=stderr"}) {
    auto server =
        EchoServerProcess::Start({.arguments = {log, "--log_level=error"}});
    SLUICE_ASSERT_OK(server);
    SLUICE_ASSERT_OK((*server)->process().Signal(SIGHUP));
    EchoOnce(**server);
    SLUICE_EXPECT_OK((*server)->Drain(SIGTERM));
  }
}

// If a file cannot be opened or a level is unknown, the programs report it when
// they start.
TEST_F(EchoLogTest, ReportsInvalidFlags) {
  struct Case {
    std::string flag, error;
    int exit_code;
  };
  const std::string nowhere = absl::StrCat(folder_, "/no/echo.log");
  const std::string link = absl::StrCat(folder_, "/link");
  std::filesystem::create_symlink(path(), link);
  for (const Case& c :
       {Case{absl::StrCat("--log=", nowhere),
             absl::StrCat("--log: open on ", nowhere), 1},
        Case{absl::StrCat("--log=", link), "name the file itself", 1},
        Case{"--log_level=loud", "--log_level: severity \"loud\"", 2}}) {
    auto process = Process::Start(
        "apps/echo/server", {.arguments = {"--listen=127.0.0.1:0", c.flag}});
    SLUICE_ASSERT_OK(process);
    const auto ended = (*process)->Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, c.exit_code);
    EXPECT_THAT(ended->error, HasSubstr(c.error));
  }
}

}  // namespace
}  // namespace sluice

// Tests the echo programs when their standard descriptors are closed or cannot
// take the output.

#include <signal.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Runs a shell command line. The program inherits the shell's redirections.
absl::StatusOr<Process::Ended> RunShell(const std::string& command) {
  auto process = Process::Start(
      "/bin/sh", {.arguments = {"-c", absl::StrCat("exec ", command)}});
  if (!process.ok()) return process.status();
  return (*process)->Wait(kPatience);
}

// If a socket had the number of a closed descriptor, the log would go to the
// socket.
TEST(EchoOutputTest, NothingButMessagesGoesToTheServer) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const auto ended = RunShell(absl::StrCat(
      "apps/echo/client --connect=", (*server)->address(),
      " --messages=10 --message_size=64 --poller=poll --log=stderr "
      "--log_level=debug <&- >&- 2>&-"));
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);  // the results could not be written
  const auto summary = (*server)->Drain(SIGTERM);
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->connections, 1);
  EXPECT_EQ(summary->bytes, 640);
}

TEST(EchoOutputTest, ExitsWith1IfResultsCannotBeWritten) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const std::string client = absl::StrCat(
      "apps/echo/client --messages=10 --connect=", (*server)->address());
  for (const char* json : {"", " --json"}) {
    const auto full = RunShell(absl::StrCat(client, json, " >/dev/full"));
    SLUICE_ASSERT_OK(full);
    EXPECT_EQ(full->exit_code, 1);
    EXPECT_EQ(full->error,
              "sluice echo client: cannot write the results to stdout: No "
              "space left on device\n");
    const auto closed = RunShell(absl::StrCat(client, json, " >&-"));
    SLUICE_ASSERT_OK(closed);
    EXPECT_EQ(closed->exit_code, 1);
    EXPECT_THAT(closed->error, HasSubstr("Bad file descriptor"));
  }
}

TEST(EchoOutputTest, ExitsWith1IfHelpCannotBeWritten) {
  for (const char* program : {"client", "server"}) {
    for (const char* flag : {"--help", "--version"}) {
      const auto ended = RunShell(
          absl::StrCat("apps/echo/", program, " ", flag, " >/dev/full"));
      SLUICE_ASSERT_OK(ended);
      EXPECT_EQ(ended->exit_code, 1);
      EXPECT_EQ(ended->error,
                absl::StrCat("sluice echo ", program,
                             ": cannot write the results to stdout: No space "
                             "left on device\n"));
    }
  }
}

// The program that started the server waits for that line. If the server did
// not end, that program would wait without end.
TEST(EchoOutputTest, AServerThatCannotSayWhereItListensEnds) {
  for (const char* output : {"/dev/full", "&-"}) {
    const auto ended = RunShell(
        absl::StrCat("apps/echo/server --listen=127.0.0.1:0 >", output));
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 1);
    EXPECT_THAT(ended->error,
                MatchesRegex("sluice echo server: cannot write the line "
                             "\"listening on 127.0.0.1:[0-9]+\" to stdout: "
                             "[^\n]+\n"));
  }
}

TEST(EchoOutputTest, UsageErrorsNeedNoOutput) {
  const auto ended = RunShell("apps/echo/client --nonsense >/dev/full");
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 2);
  EXPECT_THAT(ended->error, HasSubstr("--nonsense"));
  EXPECT_THAT(ended->output, IsEmpty());
}

}  // namespace
}  // namespace sluice

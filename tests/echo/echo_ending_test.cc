// Tests that the echo programs end, whatever the reader of their log does.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);
// The most time until a program ends. Without the programs' own limits, they
// would not end at all.
constexpr absl::Duration kBound = absl::Seconds(10);

// A named pipe that is full and that no process reads.
class FullPipe {
 public:
  FullPipe() {
    std::string folder = absl::StrCat(::testing::TempDir(), "/pipe.XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    EXPECT_EQ(mkfifo(path().c_str(), 0600), 0);
    fd_ = open(path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
    const std::string page(4096, 'x');
    while (write(fd_, page.data(), page.size()) > 0) {
    }
  }
  ~FullPipe() {
    close(fd_);
    std::filesystem::remove_all(folder_);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  std::string path() const { return absl::StrCat(folder_, "/pipe"); }

 private:
  std::string folder_;
  int fd_;
};

absl::StatusOr<std::unique_ptr<Process>> StartShell(const std::string& command,
                                                    const FullPipe& error) {
  return Process::Start(
      "/bin/sh", {.arguments = {"-c", absl::StrCat("exec ", command, " 2>>'",
                                                   error.path(), "'")},
                  .environment = PlainSignals()});
}

// A server that logs to a full pipe, with connections that have log lines.
class StuckServer {
 public:
  explicit StuckServer(const std::string& log) {
    auto process = StartShell(
        absl::StrCat("apps/echo/server --listen=127.0.0.1:0 --log=", log,
                     " --log_level=debug"),
        pipe_);
    EXPECT_THAT(process, IsOk());
    process_ = *std::move(process);
    const auto line = process_->ReadLine(kPatience);
    EXPECT_THAT(line, IsOk());
    for (int i = 0; i < 300; ++i) {
      auto client = ClientSocket::Connect(line->substr(13));
      EXPECT_THAT(client, IsOk());
      EXPECT_THAT(client->Send("x"), IsOk());
      EXPECT_THAT(client->Receive(1), IsOk());
    }
  }

  Process& process() { return *process_; }

 private:
  const FullPipe pipe_;
  std::unique_ptr<Process> process_;
};

// Sends `signal` and waits until its handler has run. Two pending signals would
// be merged into one.
void AwaitHandled(Process& process, int signal) {
  SLUICE_ASSERT_OK(process.Signal(signal));
  ASSERT_TRUE(Eventually(
      [&] {
        const auto caught = process.CaughtSignals();
        return caught.ok() && (*caught >> (signal - 1) & 1) == 0;
      },
      kPatience));
}

TEST(EchoEndingTest, TheServerEndsThoughNobodyReadsItsLog) {
  StuckServer server("stderr");
  SLUICE_ASSERT_OK(server.process().Signal(SIGTERM));
  const auto ended = server.process().Wait(kBound);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0);
}

TEST(EchoEndingTest, ReportsDroppedLogLinesIfStderrHasRoom) {
  const FullPipe pipe;
  auto server = EchoServerProcess::Start(
      {.arguments = {absl::StrCat("--log=", pipe.path())}});
  SLUICE_ASSERT_OK(server);
  SLUICE_ASSERT_OK((*server)->process().Signal(SIGTERM));
  const auto ended = (*server)->process().Wait(kBound);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_THAT(ended->error,
              AllOf(HasSubstr("served 0 connections"),
                    HasSubstr("--log: writing is blocked; dropped 0 lines, ")));
}

TEST(EchoEndingTest, ASecondSignalEndsTheServerAtOnce) {
  for (const int second : {SIGTERM, SIGINT}) {
    StuckServer server("/dev/stderr");
    AwaitHandled(server.process(), SIGTERM);
    SLUICE_ASSERT_OK(server.process().Signal(second));
    const auto ended = server.process().Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->signal, second);
  }
}

std::string Client(const EchoServerProcess& server) {
  return absl::StrCat("apps/echo/client --connect=", server.address(),
                      " --connections=300 --log=stderr --log_level=debug");
}

TEST(EchoEndingTest, TheClientEndsThoughNobodyReadsItsLog) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const FullPipe pipe;
  auto client =
      StartShell(absl::StrCat(Client(**server), " --messages=300"), pipe);
  SLUICE_ASSERT_OK(client);
  const auto ended = (*client)->Wait(kBound);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_THAT(ended->output, HasSubstr("300 of 64 bytes"));
}

TEST(EchoEndingTest, ASecondSignalEndsTheClientAtOnce) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const FullPipe pipe;
  auto client =
      StartShell(absl::StrCat(Client(**server), " --duration=inf"), pipe);
  SLUICE_ASSERT_OK(client);
  ASSERT_TRUE(Eventually(
      [&] {
        return (*server)->process().CpuTime().value() > absl::Milliseconds(50);
      },
      kPatience));
  AwaitHandled(**client, SIGTERM);
  SLUICE_ASSERT_OK((*client)->Signal(SIGTERM));
  const auto ended = (*client)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
}

// The client has only its log left to write. It waits for the log for three
// seconds.
TEST(EchoEndingTest, ASignalEndsTheClientWhileItsLogIsWritten) {
  const auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const FullPipe pipe;
  auto client =
      StartShell(absl::StrCat(Client(**server), " --messages=300"), pipe);
  SLUICE_ASSERT_OK(client);
  SLUICE_ASSERT_OK((*client)->ReadLine(kPatience));  // a line of the results
  SLUICE_ASSERT_OK((*client)->Signal(SIGTERM));
  const auto ended = (*client)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
}

TEST(EchoEndingTest, AnErrorThatNobodyReadsEndsTheProgramToo) {
  const FullPipe pipe;
  for (const char* command :
       {"apps/echo/client --nonsense", "apps/echo/server --nonsense"}) {
    auto process = StartShell(command, pipe);
    SLUICE_ASSERT_OK(process);
    const auto ended = (*process)->Wait(kBound);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 2);
  }
}

TEST(EchoEndingTest, AServerWhoseFirstLineNobodyReadsEnds) {
  const FullPipe pipe;
  auto process = Process::Start(
      "/bin/sh", {.arguments = {"-c", absl::StrCat("exec apps/echo/server "
                                                   "--listen=127.0.0.1:0 >>'",
                                                   pipe.path(), "'")},
                  .environment = PlainSignals()});
  SLUICE_ASSERT_OK(process);
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_THAT(ended->error, HasSubstr("it is a full pipe that nobody reads"));
}

}  // namespace
}  // namespace sluice

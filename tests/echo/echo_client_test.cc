// Tests the echo client as its user runs it, with the echo server as its peer.

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/version.h"
#include "sluice/net/socket_address.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);

absl::StatusOr<std::unique_ptr<Process>> StartClient(
    std::vector<std::string> arguments) {
  return Process::Start("apps/echo/client",
                        {.arguments = std::move(arguments)});
}

absl::StatusOr<Process::Ended> RunClient(std::vector<std::string> arguments) {
  auto process = StartClient(std::move(arguments));
  if (!process.ok()) return process.status();
  return (*process)->Wait(kPatience);
}

struct Load {
  std::string listen;
  int connections;
  int message_size;
  int pipeline;
  int messages;
};

// Runs client and server. The client compares every byte, and both programs
// must report the same number of bytes.
void ExpectEveryByteBack(const Load& load) {
  auto server =
      EchoServerProcess::Start({.arguments = {"--listen=" + load.listen}});
  SLUICE_ASSERT_OK(server);
  const auto ended =
      RunClient({"--connect=" + (*server)->address(),
                 absl::StrCat("--connections=", load.connections),
                 absl::StrCat("--message_size=", load.message_size),
                 absl::StrCat("--pipeline=", load.pipeline),
                 absl::StrCat("--messages=", load.messages), "--json"});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0) << ended->error;
  EXPECT_THAT(ended->error, IsEmpty());
  EXPECT_THAT(ended->output,
              AllOf(HasSubstr("\"errors\": {}"),
                    HasSubstr(absl::StrCat("\"messages\": ", load.messages)),
                    HasSubstr("\"unanswered\": 0")));
  const auto summary = (*server)->Drain(SIGTERM);
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->connections, load.connections);
  EXPECT_EQ(summary->bytes, uint64_t{1} * load.messages * load.message_size);
  EXPECT_EQ(summary->forced, 0);
}

TEST(EchoClientTest, EveryByteComesBackOverTcp) {
  ExpectEveryByteBack({.listen = "127.0.0.1:0",
                       .connections = 1,
                       .message_size = 1,
                       .pipeline = 1,
                       .messages = 1'000});
  ExpectEveryByteBack({.listen = "127.0.0.1:0",
                       .connections = 100,
                       .message_size = 64,
                       .pipeline = 1,
                       .messages = 10'000});
}

TEST(EchoClientTest, EveryByteComesBackInBulk) {
  ExpectEveryByteBack({.listen = "127.0.0.1:0",
                       .connections = 10,
                       .message_size = 16'384,
                       .pipeline = 16,
                       .messages = 2'000});
  ExpectEveryByteBack({.listen = "127.0.0.1:0",
                       .connections = 2,
                       .message_size = 3'000'001,
                       .pipeline = 2,
                       .messages = 10});
}

TEST(EchoClientTest, EveryByteComesBackOverUnix) {
  ExpectEveryByteBack({.listen = "unix:",
                       .connections = 10,
                       .message_size = 1'001,
                       .pipeline = 4,
                       .messages = 5'000});
}

TEST(EchoClientTest, JsonIsOneLineWithAllKeys) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const auto ended = RunClient(
      {"--connect", (*server)->address(), "--duration=200ms", "--json"});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0) << ended->error;
  EXPECT_THAT(ended->output, MatchesRegex("\\{[^\n]*\\}\n"));
  for (const char* key :
       {"messages_per_s", "mb_per_s", "p50_us", "p90_us", "p99_us", "p999_us",
        "max_us", "messages", "bytes", "seconds", "connections"}) {
    EXPECT_THAT(ended->output, ContainsRegex(absl::StrCat(
                                   "\"", key, "\": [0-9]+(\\.[0-9]+)?[,}]")));
  }
  EXPECT_THAT(ended->output, HasSubstr("\"errors\": {}"));
  // Standard error is not a terminal, so the client shows no progress.
  EXPECT_THAT(ended->error, IsEmpty());
}

TEST(EchoClientTest, PrintsRateAndLatencyForPeople) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const auto ended =
      RunClient({"--connect=" + (*server)->address(), "--messages=100"});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0);
  EXPECT_THAT(ended->output,
              AllOf(HasSubstr("100 of 64 bytes"), HasSubstr("messages/s"),
                    HasSubstr("MB/s"), HasSubstr("p50"), HasSubstr("p99.9")));
}

TEST(EchoClientTest, OpenLoopSendsAllDueMessages) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const auto ended =
      RunClient({"--connect=" + (*server)->address(), "--connections=3",
                 "--rate=1000", "--duration=500ms"});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0) << ended->error;
  EXPECT_THAT(ended->output, HasSubstr(" 500 of 64 bytes"));
}

TEST(EchoClientTest, ConnectsFromEachOfItsSources) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  const auto ended =
      RunClient({"--connect=" + (*server)->address(), "--connections=4",
                 "--source_addresses=127.0.0.2,127.0.0.3", "--messages=100"});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 0) << ended->error;
}

TEST(EchoClientTest, RefusedConnectionsExit1) {
  // The port is bound, so that no other program listens on it, but the socket
  // does not listen.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const SocketAddress any = SocketAddress::Loopback4(0);
  ASSERT_EQ(bind(fd, any.data(), any.size()), 0);
  sockaddr_storage bound;
  socklen_t size = sizeof(bound);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const std::string address =
      SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&bound), size)
          .value()
          .ToString();

  const auto ended = RunClient(
      {"--connect=" + address, "--connections=3", "--messages=10", "--json"});
  close(fd);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_THAT(ended->output, HasSubstr("\"errors\": {\"connect_refused\": 3}"));
  EXPECT_THAT(ended->error,
              AllOf(HasSubstr("connect_refused: 3"), HasSubstr(address),
                    HasSubstr("Connection refused")));
}

TEST(EchoClientTest, ServerThatDiesMakesItExit1) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  auto client = StartClient({"--connect=" + (*server)->address(),
                             "--connections=5", "--duration=inf", "--json"});
  SLUICE_ASSERT_OK(client);
  // The client is at work once the server has used CPU time.
  const absl::Duration before = (*server)->process().CpuTime().value();
  ASSERT_TRUE(Eventually(
      [&] {
        return (*server)->process().CpuTime().value() >
               before + absl::Milliseconds(50);
      },
      kPatience));
  SLUICE_ASSERT_OK((*server)->process().Signal(SIGKILL));
  const auto ended = (*client)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_THAT(ended->output,
              AnyOf(HasSubstr("\"reset\": "), HasSubstr("\"closed_early\": ")));
  EXPECT_THAT(ended->output, Not(HasSubstr("wrong_byte")));
}

TEST(EchoClientTest, SignalEndsItEarlyWithResults) {
  for (const int signal : {SIGTERM, SIGINT}) {
    auto server = EchoServerProcess::Start();
    SLUICE_ASSERT_OK(server);
    auto client =
        StartClient({"--connect=" + (*server)->address(), "--duration=inf"});
    SLUICE_ASSERT_OK(client);
    const absl::Duration before = (*server)->process().CpuTime().value();
    ASSERT_TRUE(Eventually(
        [&] {
          return (*server)->process().CpuTime().value() >
                 before + absl::Milliseconds(50);
        },
        kPatience));
    SLUICE_ASSERT_OK((*client)->Signal(signal));
    const auto ended = (*client)->Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 0) << ended->error;
    EXPECT_THAT(ended->output, HasSubstr("p99.9"));
  }
}

// The kernel of a stopped server accepts connections, but the server does not
// answer.
TEST(EchoClientTest, SignalEndsTheWaitForAnswers) {
  constexpr absl::Duration kSoon = absl::Seconds(10);
  for (const int signal : {SIGTERM, SIGINT}) {
    auto server = EchoServerProcess::Start();
    SLUICE_ASSERT_OK(server);
    SLUICE_ASSERT_OK((*server)->process().Signal(SIGSTOP));
    auto client =
        StartClient({"--connect=" + (*server)->address(), "--messages=1",
                     "--timeout=1h", "--log=stderr", "--log_level=debug"});
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK((*client)->WaitForError("0 opened", kPatience));
    SLUICE_ASSERT_OK((*client)->Signal(signal));
    const auto ended = (*client)->Wait(kSoon);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 1);
    EXPECT_THAT(ended->output, HasSubstr("messages     0 of"));
  }
}

TEST(EchoClientTest, ReportsTooFewDescriptors) {
  auto client = Process::Start(
      "apps/echo/client",
      {.arguments = {"--connections=1000"}, .descriptor_limit = 100});
  SLUICE_ASSERT_OK(client);
  const auto ended = (*client)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_THAT(ended->error, AllOf(MatchesRegex("sluice echo client: [^\n]+\n"),
                                  HasSubstr("--connections=1000"),
                                  HasSubstr("(RLIMIT_NOFILE) is 100")));
}

struct WrongUse {
  std::vector<std::string> arguments;
  std::string says;  // on standard error
};

TEST(EchoClientTest, WrongUseIsExplainedAndExits2) {
  const std::vector<WrongUse> wrong_uses = {
      {{"--nope"}, "--nope"},
      {{"extra"}, "\"extra\""},
      {{"--connections=0"}, "--connections: \"0\""},
      {{"--message_size=0"}, "--message_size: \"0\""},
      {{"--pipeline=x"}, "--pipeline: \"x\""},
      {{"--duration=soon"}, "--duration: \"soon\""},
      {{"--messages=1", "--duration=1s"}, "--messages and --duration"},
      {{"--rate=-1"}, "--rate: \"-1\""},
      {{"--connect=127.0.0.1"}, "\"127.0.0.1\""},
      {{"--poller=kqueue"}, "\"kqueue\""},
      {{"--source_addresses=here"}, "\"here\""},
      {{"--warmup=inf"}, "--warmup=inf: "},
      {{"--connect=:80"}, "--connect=:80: names no host"},
      {{"--connect=127.1:80"}, "four decimal numbers"},
      {{"--source_addresses=::1"}, "::1"},
  };
  for (const WrongUse& use : wrong_uses) {
    SCOPED_TRACE(use.arguments.front());
    const auto ended = RunClient(use.arguments);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 2);
    EXPECT_THAT(ended->output, IsEmpty());
    EXPECT_THAT(
        ended->error,
        AllOf(MatchesRegex("sluice echo client: [^\n]+\n[^\n]+\n"),
              HasSubstr(use.says), EndsWith("--help lists the flags\n")));
  }
}

TEST(EchoClientTest, VersionAndHelpExit0) {
  const auto version = RunClient({"--version"});
  SLUICE_ASSERT_OK(version);
  EXPECT_EQ(version->exit_code, 0);
  EXPECT_EQ(version->output,
            absl::StrCat("sluice echo client ", kVersion, "\n"));
  const auto help = RunClient({"--help"});
  SLUICE_ASSERT_OK(help);
  EXPECT_EQ(help->exit_code, 0);
  EXPECT_THAT(help->output, AllOf(StartsWith("sluice echo client: "),
                                  HasSubstr("--connect=ADDRESS")));
}

}  // namespace
}  // namespace sluice

#include "sluice/apps/echo/echo_client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

Outcome RunClient(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "client");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int exit_code =
      EchoClientMain(static_cast<int>(argv.size()), argv.data());
  return {exit_code, ::testing::internal::GetCapturedStdout(),
          ::testing::internal::GetCapturedStderr()};
}

// Echoes, and sends SIGTERM to the parent process after 100 messages.
class SignallingHandler final : public StreamHandler {
 public:
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Write(input);
    if (++inputs_ == 100) kill(getppid(), SIGTERM);
    return input.size();
  }

 private:
  int inputs_ = 0;
};

// Serves at a name that the kernel picks. Writes the name to `address_fd`.
template <typename Handler>
void Serve(int address_fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Platform platform = LinuxPlatform();
  const auto loop = NewEventLoop(platform).value();
  const auto server =
      TcpServer::Start(
          &platform, {loop.get()}, SocketAddress::Parse("unix:").value(),
          [](const SocketAddress&) { return std::make_unique<Handler>(); }, {})
          .value();
  const std::string address = server->address().ToString();
  if (write(address_fd, address.data(), address.size()) > 0) {
    close(address_fd);
    (void)loop->Run();
  }
  _exit(1);
}

// An echo server in a process of its own, because EchoClientMain() must run in
// a process without other threads.
class EchoClientMainTest : public ::testing::Test {
 protected:
  template <typename Handler = EchoHandler>
  void Start() {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    server_ = fork();
    ASSERT_GE(server_, 0);
    if (server_ == 0) Serve<Handler>(ends[1]);
    close(ends[1]);
    char byte;
    while (read(ends[0], &byte, 1) == 1) address_ += byte;
    ASSERT_NE(address_, "");
    close(ends[0]);
  }
  void TearDown() override {
    if (server_ <= 0) return;
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }

  std::string address_;
  pid_t server_ = -1;
};

TEST_F(EchoClientMainTest, PrintsItsResultsForPeople) {
  Start();
  const Outcome outcome =
      RunClient({"--connect", address_, "--connections=3", "--messages=50"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("connections  3\n"
                                            "messages     50 of 64 bytes in "),
                                 HasSubstr("latency, us  p50 ")));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(EchoClientMainTest, PrintsItsResultsForPrograms) {
  Start();
  const Outcome outcome =
      RunClient({"--connect", address_, "--json", "--messages=50",
                 "--message_size=1000", "--rate=100000", "--pipeline=4"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out,
              AllOf(MatchesRegex("\\{\"messages_per_s\": [^\n]*\\}\n"),
                    HasSubstr("\"errors\": {}, \"messages\": 50, "
                              "\"bytes\": 50000, \"unanswered\": 0, ")));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(EchoClientMainTest, UsesThePollerOfTheFlag) {
  Start();
  for (const char* poller : {"auto", "epoll", "poll", "select"}) {
    const Outcome outcome =
        RunClient({"--connect", address_, absl::StrCat("--poller=", poller),
                   "--connections=100", "--messages=1000", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << poller << ": " << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("\"messages\": 1000,")) << poller;
  }
}

TEST_F(EchoClientMainTest, ADurationEndsIt) {
  Start();
  const Outcome outcome =
      RunClient({"--connect", address_, "--duration=50ms", "--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("\"unanswered\": 0, \"seconds\": 0."));
}

TEST_F(EchoClientMainTest, ASignalEndsItWithTheResultsSoFar) {
  Start<SignallingHandler>();
  const Outcome outcome =
      RunClient({"--connect", address_, "--duration=1h", "--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\"errors\": {}, "),
                                 Not(HasSubstr("\"messages\": 0,"))));
}

TEST(EchoClientMain, AFailureToConnectIsAnError) {
  const Outcome outcome =
      RunClient({"--connect", "unix:@sluice-nobody-listens-here",
                 "--connections=2", "--json"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("\"errors\": {\"connect_refused\": 2}"));
  EXPECT_THAT(outcome.err, StartsWith("connect_refused: 2, the first: "));
}

TEST(EchoClientMain, ConnectionsThatDoNotFitAreNotTried) {
  const Outcome outcome = RunClient({"--connections=99999999"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              StartsWith("sluice echo client: --connections=99999999: the "
                         "limit on descriptors (RLIMIT_NOFILE) is "));
}

TEST(EchoClientMain, ConnectionsThatSelectCannotHoldAreNotTried) {
  const Outcome outcome = RunClient({"--connections=1024", "--poller=select"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              StartsWith("sluice echo client: --connections=1024: "
                         "--poller=select takes descriptors below 1024, which "
                         "leaves room for "));
}

TEST(EchoClientMain, APollerThatCannotBeMadeIsAnError) {
  std::vector<int> fds;
  do {
    fds.push_back(fcntl(0, F_DUPFD_CLOEXEC, 0));
  } while (fds.back() >= 0 && fds.back() < FD_SETSIZE);
  const Outcome outcome = RunClient({"--poller=select"});
  const bool enough = fds.back() >= 0;
  for (const int fd : fds) close(fd);
  if (!enough) GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("SelectPoller::Create on descriptor "));
}

TEST(EchoClientMain, BadAddressesAreUsageErrors) {
  const Outcome outcome = RunClient({"--connect=here"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
}

struct Usage {
  std::vector<std::string> arguments;
  std::string message;
};

class EchoClientUsageTest : public ::testing::TestWithParam<Usage> {};

TEST_P(EchoClientUsageTest, TheMessageNamesTheFlag) {
  const Outcome outcome = RunClient(GetParam().arguments);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            absl::StrCat("sluice echo client: ", GetParam().message,
                         "\n--help lists the flags\n"));
}

INSTANTIATE_TEST_SUITE_P(
    Usages, EchoClientUsageTest,
    ::testing::Values(
        Usage{{"--messages=1", "--duration=1s"},
              "--messages and --duration: each says when to end; give one"},
        Usage{{"--bogus"}, "--bogus is not a flag of this program"},
        Usage{{"--connections=0"}, "--connections: \"0\" is less than 1"},
        Usage{{"--message_size=2000000000"},
              "--message_size=2000000000: more than 1073741824"},
        Usage{{"--connections=1000", "--pipeline=100001"},
              "--connections=1000 --pipeline=100001: more than 100000000 "
              "messages in flight"},
        Usage{{"--poller=kqueue"},
              "--poller: poller \"kqueue\" is not one of: "
              "auto, epoll, poll, select"},
        Usage{{"--source_addresses=127.0.0.2,here"},
              "--source_addresses: \"here\" is not an IP address"},
        Usage{{"--source_addresses=::1"},
              "--source_addresses: ::1 is not of the family of "
              "127.0.0.1:7007"}));

}  // namespace
}  // namespace sluice

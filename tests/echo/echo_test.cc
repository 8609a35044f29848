// Tests the echo server as its user runs it: its output, its addresses and its
// end.

#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/version.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/process.h"
#include "sluice/tests/support/test_environment.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = ClientSocket::kPatience;

// A temporary folder for sockets. Its path is short, because the path of a
// socket has at most 107 bytes.
class ShortFolder {
 public:
  ShortFolder() {
    char path[] = "/tmp/echo_test.XXXXXX";
    if (mkdtemp(path) != nullptr) path_ = path;
  }
  ~ShortFolder() { std::filesystem::remove_all(path_); }

  std::string File(absl::string_view name) const {
    return absl::StrCat(path_, "/", name);
  }

 private:
  std::string path_;
};

// Returns the result of a server that should end by itself.
absl::StatusOr<Process::Ended> RunServer(std::vector<std::string> arguments) {
  auto process = Process::Start("apps/echo/server", {.arguments = arguments});
  if (!process.ok()) return process.status();
  return (*process)->Wait(kPatience);
}

TEST(EchoServerTest, SaysFirstWhereItListens) {
  auto process = Process::Start("apps/echo/server",
                                {.arguments = {"--listen=127.0.0.1:0"}});
  SLUICE_ASSERT_OK(process);
  // Standard output is a pipe, so the line comes only because it is flushed.
  const absl::StatusOr<std::string> line = (*process)->ReadLine(kPatience);
  SLUICE_ASSERT_OK(line);
  EXPECT_THAT(*line, MatchesRegex("listening on 127\\.0\\.0\\.1:[1-9][0-9]*"));
}

void ExpectEchoAt(const std::string& listen) {
  auto server = EchoServerProcess::Start({.arguments = {"--listen=" + listen}});
  SLUICE_ASSERT_OK(server);
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
  SLUICE_EXPECT_OK(client->Echo(std::string(100'000, 'x')));
}

TEST(EchoServerTest, EchoesOverTcp4) { ExpectEchoAt("127.0.0.1:0"); }

TEST(EchoServerTest, EchoesOverTcp6) {
  const absl::Status refused = ClientSocket::Connect("[::1]:1").status();
  if (!absl::StrContains(refused.message(), "refused")) {
    GTEST_SKIP() << "there is no IPv6 here: " << refused;
  }
  ExpectEchoAt("[::1]:0");
}

TEST(EchoServerTest, EchoesOverUnixPath) {
  const ShortFolder folder;
  ExpectEchoAt("unix:" + folder.File("socket"));
}

TEST(EchoServerTest, EchoesOverAbstractUnixName) {
  // All running tests share the abstract names, and in sandboxes two tests can
  // have the same process id.
  ExpectEchoAt(absl::StrCat("unix:@sluice echo ", std::random_device()(), " ",
                            std::random_device()()));
}

TEST(EchoServerTest, LooksUpNames) {
  auto server =
      EchoServerProcess::Start({.arguments = {"--listen=localhost:0"}});
  SLUICE_ASSERT_OK(server);
  EXPECT_THAT((*server)->address(),
              MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
}

TEST(EchoServerTest, WithoutAHostItListensOnBothFamilies) {
  for (const std::vector<std::string>& model :
       {std::vector<std::string>{"--listen=:0"},
        {"--listen=:0", "--model=reuseport", "--threads=2"}}) {
    auto server = EchoServerProcess::Start({.arguments = model});
    SLUICE_ASSERT_OK(server);
    const std::string port = (*server)->address();  // ":12345"
    EXPECT_THAT(port, MatchesRegex(":[1-9][0-9]*"));
    for (const char* host : {"127.0.0.1", "[::1]"}) {
      auto client = ClientSocket::Connect(absl::StrCat(host, port));
      if (!client.ok() && host[0] == '[') continue;  // this machine has no IPv6
      SLUICE_ASSERT_OK(client);
      SLUICE_EXPECT_OK(client->Echo("hello"));
    }
  }
}

TEST(EchoServerTest, AServerThatSharesItsPortSaysSo) {
  for (const char* host : {"127.0.0.1", ""}) {
    auto first = EchoServerProcess::Start(
        {.arguments = {absl::StrCat("--listen=", host, ":0"),
                       "--model=reuseport", "--threads=2"}});
    SLUICE_ASSERT_OK(first);
    auto second = EchoServerProcess::Start(
        {.arguments = {"--listen=" + (*first)->address(), "--model=reuseport",
                       "--threads=2"}});
    SLUICE_ASSERT_OK(second);
    SLUICE_EXPECT_OK((*second)->process().WaitForError(
        absl::StrCat("another process shares ", (*first)->address()),
        kPatience));
    SLUICE_EXPECT_OK((*second)->Drain(SIGTERM));
    SLUICE_ASSERT_OK((*first)->process().Signal(SIGTERM));
    const auto ended = (*first)->process().Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_THAT(ended->error, Not(HasSubstr("shares")));
  }
}

// Connections of the server that has ended are in TIME_WAIT.
TEST(EchoServerTest, ASecondServerOnTheSamePortStartsFresh) {
  std::string address = "127.0.0.1:0";
  for (int i = 0; i < 2; ++i) {
    auto server = EchoServerProcess::Start(
        {.arguments = {"--listen=" + address, "--model=reuseport",
                       "--threads=2"}});
    SLUICE_ASSERT_OK(server);
    address = (*server)->address();
    auto client = ClientSocket::Connect(address);
    SLUICE_ASSERT_OK(client);
    SLUICE_EXPECT_OK(client->Echo("hello"));
    SLUICE_ASSERT_OK((*server)->process().Signal(SIGTERM));
    const auto ended = (*server)->process().Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_THAT(ended->error, Not(HasSubstr("shares")));
  }
}

// Starts a server with too few descriptors. Returns how many it says that it
// needs.
int64_t NeededDescriptors(uint64_t limit) {
  auto process = Process::Start(
      "apps/echo/server",
      {.arguments = {"--listen=127.0.0.1:0"}, .descriptor_limit = limit});
  EXPECT_THAT(process, IsOk());
  const auto ended = (*process)->Wait(kPatience);
  EXPECT_THAT(ended, IsOk());
  EXPECT_EQ(ended->exit_code, 1);
  long long is = 0, needed = 0;
  EXPECT_EQ(std::sscanf(ended->error.c_str(),
                        "sluice echo server: the limit on descriptors "
                        "(RLIMIT_NOFILE) is %lld, and with --threads=1 the "
                        "server needs %lld to hold a connection\n",
                        &is, &needed),
            2)
      << ended->error;
  EXPECT_EQ(is, limit);
  return needed;
}

TEST(EchoServerTest, WithoutDescriptorsForAConnectionItDoesNotStart) {
  for (const uint64_t limit : {6, 7, 9}) {
    EXPECT_GT(NeededDescriptors(limit), limit);
  }
}

// The server has a log, and runs with each poller.
TEST(EchoServerTest, AsManyDescriptorsAsItSaysAreEnough) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs descriptors too";
  const auto enough = static_cast<uint64_t>(NeededDescriptors(/*limit=*/7));
  for (const char* poller : {"epoll", "poll", "select"}) {
    auto server = EchoServerProcess::Start(
        {.arguments = {absl::StrCat("--poller=", poller), "--log=/dev/null"},
         .descriptor_limit = enough});
    SLUICE_ASSERT_OK(server);
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    SLUICE_EXPECT_OK(client->Echo("hello"));
  }
}

struct WrongUse {
  std::vector<std::string> arguments;
  std::string says;  // on standard error
};

TEST(EchoServerTest, WrongUseIsExplainedAndExits2) {
  const std::vector<WrongUse> wrong_uses = {
      {{"--nope"}, "--nope"},
      {{"--nope=1"}, "--nope"},
      {{"extra"}, "\"extra\""},
      {{"--listen"}, "--listen needs a value"},
      {{"--max_connections=many"}, "--max_connections: \"many\""},
      {{"--max_connections=0"}, "--max_connections: \"0\""},
      {{"--drain_timeout=-1s"}, "--drain_timeout: \"-1s\""},
      {{"--drain_timeout=soon"}, "--drain_timeout: \"soon\""},
      {{"--idle_timeout=0"}, "--idle_timeout"},
      {{"--model=fibers"}, "\"fibers\""},
      {{"--model=reuseport", "--listen=unix:@x"}, "for IP addresses"},
      {{"--model=reuseport", "--threads=1025"}, "--threads=1025"},
      {{"--poller=kqueue"}, "\"kqueue\""},
      {{"--threads=2"}, "--threads=2"},
      {{"--listen=127.0.0.1"}, "\"127.0.0.1\""},
      {{"--listen=127.0.0.1:99999"}, "\"127.0.0.1:99999\""},
      {{"--listen=1.2.3.4.5:1"}, "\"1.2.3.4.5:1\""},
      {{"--listen=localhost:http"}, "\"localhost:http\""},
      {{"--listen=127.1:80"}, "four decimal numbers"},
      {{"--listen=0x7f.1:80"}, "four decimal numbers"},
  };
  for (const WrongUse& use : wrong_uses) {
    SCOPED_TRACE(use.arguments.front());
    const auto ended = RunServer(use.arguments);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 2);
    EXPECT_THAT(ended->output, IsEmpty());
    EXPECT_THAT(
        ended->error,
        AllOf(MatchesRegex("sluice echo server: [^\n]+\n[^\n]+\n"),
              HasSubstr(use.says), EndsWith("--help lists the flags\n")));
  }
}

// Expects one line with the flag, the operation, the address and the reason.
void ExpectCannotServe(const std::string& listen, absl::string_view says) {
  const auto ended = RunServer({"--listen=" + listen});
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_THAT(ended->output, IsEmpty());
  EXPECT_THAT(ended->error,
              AllOf(MatchesRegex("sluice echo server: --listen: [^\n]+\n"),
                    HasSubstr(says)));
}

TEST(EchoServerTest, BusyPortExits1) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  ExpectCannotServe((*server)->address(),
                    absl::StrCat("bind on ", (*server)->address(),
                                 ": Address already in use"));
}

TEST(EchoServerTest, AddressOfAnotherMachineExits1) {
  ExpectCannotServe("192.0.2.1:0",
                    "bind on 192.0.2.1:0: Cannot assign requested address");
}

TEST(EchoServerTest, UnknownNameExits1) {
  ExpectCannotServe("name.invalid:1", "look-up of name.invalid:1: ");
}

TEST(EchoServerTest, MissingFolderExits1) {
  const ShortFolder folder;
  const std::string address = "unix:" + folder.File("none/socket");
  ExpectCannotServe(address,
                    absl::StrCat("bind on ", address, ": No such file or dir"));
}

TEST(EchoServerTest, VersionAndHelpExit0) {
  const auto version = RunServer({"--version"});
  SLUICE_ASSERT_OK(version);
  EXPECT_EQ(version->exit_code, 0);
  EXPECT_EQ(version->output,
            absl::StrCat("sluice echo server ", kVersion, "\n"));
  EXPECT_THAT(version->error, IsEmpty());

  const auto help = RunServer({"--help"});
  SLUICE_ASSERT_OK(help);
  EXPECT_EQ(help->exit_code, 0);
  EXPECT_THAT(
      help->output,
      AllOf(HasSubstr("--listen=ADDRESS"), HasSubstr("--threads=N"),
            HasSubstr("--model=MODEL"), HasSubstr("--poller=POLLER"),
            HasSubstr("--idle_timeout=TIME"), HasSubstr("--max_connections=N"),
            HasSubstr("--drain_timeout=TIME")));
  EXPECT_THAT(help->error, IsEmpty());
}

TEST(EchoServerTest, RemovesItsSocketFileWhenItEnds) {
  const ShortFolder folder;
  const std::string path = folder.File("socket");
  auto server =
      EchoServerProcess::Start({.arguments = {"--listen=unix:" + path}});
  SLUICE_ASSERT_OK(server);
  EXPECT_TRUE(std::filesystem::is_socket(path));
  SLUICE_ASSERT_OK((*server)->Drain(SIGTERM));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(EchoServerTest, ReplacesSocketFileThatNobodyListensOn) {
  const ShortFolder folder;
  const std::string path = folder.File("socket");
  const Process::Options options = {.arguments = {"--listen=unix:" + path}};
  auto killed = EchoServerProcess::Start(options);
  SLUICE_ASSERT_OK(killed);
  SLUICE_ASSERT_OK((*killed)->process().Signal(SIGKILL));
  SLUICE_ASSERT_OK((*killed)->process().Wait(kPatience));
  ASSERT_TRUE(std::filesystem::is_socket(path));

  auto server = EchoServerProcess::Start(options);
  SLUICE_ASSERT_OK(server);
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
}

TEST(EchoServerTest, LeavesSocketFileOfLiveServer) {
  const ShortFolder folder;
  const std::string address = "unix:" + folder.File("socket");
  auto server =
      EchoServerProcess::Start({.arguments = {"--listen=" + address}});
  SLUICE_ASSERT_OK(server);
  ExpectCannotServe(address, address);
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
}

TEST(EchoServerTest, LeavesFileThatIsNoSocket) {
  const ShortFolder folder;
  const std::string path = folder.File("data");
  std::ofstream(path) << "precious";
  ExpectCannotServe("unix:" + path, "unix:" + path);
  std::string content;
  std::ifstream(path) >> content;
  EXPECT_EQ(content, "precious");
}

TEST(EchoServerTest, LeavesSocketFileThatReplacedItsOwn) {
  const ShortFolder folder;
  const std::string path = folder.File("socket");
  auto server =
      EchoServerProcess::Start({.arguments = {"--listen=unix:" + path}});
  SLUICE_ASSERT_OK(server);
  std::filesystem::remove(path);
  auto successor =
      EchoServerProcess::Start({.arguments = {"--listen=unix:" + path}});
  SLUICE_ASSERT_OK(successor);
  SLUICE_ASSERT_OK((*server)->Drain(SIGTERM));
  auto client = ClientSocket::Connect("unix:" + path);
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
}

TEST(EchoServerTest, LivesWhenItsOutputHasNoReader) {
  auto server = EchoServerProcess::Start();
  SLUICE_ASSERT_OK(server);
  (*server)->process().CloseOutput();
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
  const auto summary = (*server)->Drain(SIGTERM);
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->bytes, 5);
}

}  // namespace
}  // namespace sluice

// Tests how the kernel's sockets handle errors that no test can cause: this
// program defines the system calls in place of the C library's, and makes them
// fail on demand.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/without_system_call.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace {

// The call that fails next, how often, and how.
struct Fault {
  std::string call;
  int error = 0;
  int times = 0;
  int calls = 0;  // calls of `call`, failed or not
  std::function<void()> meanwhile = nullptr;
};
Fault* fault = nullptr;

bool Fails(absl::string_view call) {
  if (fault == nullptr || fault->call != call) return false;
  ++fault->calls;
  if (fault->times == 0) return false;
  --fault->times;
  if (fault->meanwhile) fault->meanwhile();
  errno = fault->error;
  return true;
}

}  // namespace

extern "C" {

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (Fails("accept4")) return -1;
  return static_cast<int>(syscall(SYS_accept4, fd, address, size, flags));
}

int setsockopt(int fd, int level, int name, const void* value,
               socklen_t size) noexcept {
  if (Fails("setsockopt")) return -1;
  return static_cast<int>(
      syscall(SYS_setsockopt, fd, level, name, value, size));
}

ssize_t recv(int fd, void* into, size_t size, int flags) {
  if (Fails("recv")) return -1;
  return syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}

ssize_t send(int fd, const void* from, size_t size, int flags) {
  if (Fails("send")) return -1;
  return syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (Fails("sendmsg")) return -1;
  return syscall(SYS_sendmsg, fd, message, flags);
}

int socket(int family, int type, int protocol) {
  // Fails for IPv6 only.
  if (family == AF_INET6 && Fails("socket")) return -1;
  return static_cast<int>(syscall(SYS_socket, family, type, protocol));
}

// These two do their work even if they are interrupted.
int connect(int fd, const sockaddr* address, socklen_t size) {
  const int result = static_cast<int>(syscall(SYS_connect, fd, address, size));
  return Fails("connect") ? -1 : result;
}

int close(int fd) {
  const int result = static_cast<int>(syscall(SYS_close, fd));
  return Fails("close") ? -1 : result;
}

int unlink(const char* path) {
  if (Fails("unlink")) return -1;
  return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

}  // extern "C"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kForever = 1 << 20;

// Uses Unix-domain sockets, which need no waiting.
class KernelSocketsFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<int> fd =
        api_->Listen(*SocketAddress::Parse("unix:"), {});
    SLUICE_ASSERT_OK(fd);
    listener_ = Socket(api_, *fd);
    address_ = *api_->Address(*fd, SocketApi::End::kLocal);
    client_ = Take(api_->StartConnect(address_, nullptr));
    server_ = Take(api_->Accept(listener_.fd(), nullptr));
  }
  void TearDown() override { fault = nullptr; }

  Socket Take(IoResult fd) {
    EXPECT_TRUE(fd.ok()) << fd.error();
    return fd.ok() ? Socket(api_, static_cast<int>(fd.value())) : Socket();
  }

  // Returns the result of `run`, and how often it called the failing call.
  std::pair<IoResult, int> With(Fault injected,
                                const std::function<IoResult()>& run) {
    fault = &injected;
    const IoResult result = run();
    fault = nullptr;
    return {result, injected.calls};
  }

  // Calls that move a byte, by the system call that each makes.
  std::vector<std::pair<std::string, std::function<IoResult()>>> Transfers() {
    return {{"recv",
             [this] {
               return api_->Read(server_.fd(), absl::MakeSpan(&byte_, 1));
             }},
            {"send", [this] { return api_->Write(client_.fd(), {"x"}); }},
            {"sendmsg", [this] {
               return api_->Write(client_.fd(), {"x", ""});
             }}};
  }

  SocketApi* const api_ = KernelSockets();
  Socket listener_;
  SocketAddress address_;
  Socket client_;
  Socket server_;
  char byte_ = 0;
};

TEST_F(KernelSocketsFaultTest, InterruptedTransfersAreRetried) {
  ASSERT_EQ(api_->Write(client_.fd(), {"x"}), IoResult(1));
  for (const auto& [call, run] : Transfers()) {
    const auto [result, calls] = With({call, EINTR, 3}, run);
    EXPECT_EQ(result, IoResult(1)) << call;
    EXPECT_EQ(calls, 4) << call;
  }
}

TEST_F(KernelSocketsFaultTest, InterruptionsWithoutEndAreReturned) {
  for (const auto& [call, run] : Transfers()) {
    const auto [result, calls] = With({call, EINTR, kForever}, run);
    EXPECT_EQ(result, IoResult::FromErrno(EINTR)) << call;
    EXPECT_EQ(calls, 101) << call;
  }
}

TEST_F(KernelSocketsFaultTest, OtherErrorsOfTransfersAreReturnedAtOnce) {
  for (const int error : {EAGAIN, ECONNRESET, ENOBUFS}) {
    for (const auto& [call, run] : Transfers()) {
      const auto [result, calls] = With({call, error, kForever}, run);
      EXPECT_EQ(result, IoResult::FromErrno(error)) << call;
      EXPECT_EQ(calls, 1) << call;
    }
  }
}

TEST_F(KernelSocketsFaultTest, AConnectionThatEndedInTheQueueIsPassedOver) {
  for (const int error :
       {ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
        EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EINTR}) {
    const Socket client = Take(api_->StartConnect(address_, nullptr));
    const auto [accepted, calls] = With({"accept4", error, 2}, [&] {
      return api_->Accept(listener_.fd(), nullptr);
    });
    EXPECT_TRUE(Take(accepted)) << error;
    EXPECT_EQ(calls, 3) << error;
  }
}

TEST_F(KernelSocketsFaultTest, AcceptGivesUpAfterAHundredAbortedConnections) {
  const auto [accepted, calls] = With({"accept4", ECONNABORTED, kForever}, [&] {
    return api_->Accept(listener_.fd(), nullptr);
  });
  EXPECT_EQ(accepted, IoResult::FromErrno(ECONNABORTED));
  EXPECT_EQ(calls, 101);
}

TEST_F(KernelSocketsFaultTest, OtherErrorsOfAcceptAreReturnedAtOnce) {
  for (const int error : {EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL}) {
    const auto [accepted, calls] = With({"accept4", error, kForever}, [&] {
      return api_->Accept(listener_.fd(), nullptr);
    });
    EXPECT_EQ(accepted, IoResult::FromErrno(error));
    EXPECT_EQ(calls, 1) << error;
  }
}

// accept(2) is called too, because a filter may refuse accept4(2) alone.
TEST_F(KernelSocketsFaultTest, AFirewallsRefusalOfAcceptIsReturned) {
  WithoutSystemCall(SYS_accept, EPERM, [this] {
    const auto [accepted, calls] = With({"accept4", EPERM, kForever}, [&] {
      return api_->Accept(listener_.fd(), nullptr);
    });
    EXPECT_EQ(accepted, IoResult::FromErrno(EPERM));
    EXPECT_EQ(calls, 1);
  });
}

TEST_F(KernelSocketsFaultTest, AChosenAddressNeedsNoOptionOfNewKernels) {
  const auto ip = SocketAddress::Loopback4(0);
  const auto listener = api_->Listen(ip, {});
  SLUICE_ASSERT_OK(listener);
  const Socket listening(api_, *listener);
  const SocketAddress peer = *api_->Address(*listener, SocketApi::End::kLocal);
  const auto [connected, calls] =
      With({"setsockopt", ENOPROTOOPT, kForever},
           [&] { return api_->StartConnect(peer, &ip); });
  EXPECT_TRUE(Take(connected));
  EXPECT_EQ(calls, 1);
}

TEST_F(KernelSocketsFaultTest, AnInterruptedConnectGoesOn) {
  const auto [connected, calls] = With({"connect", EINTR, kForever}, [&] {
    return api_->StartConnect(address_, nullptr);
  });
  const Socket client = Take(connected);
  EXPECT_EQ(calls, 1);
  const Socket server = Take(api_->Accept(listener_.fd(), nullptr));
  EXPECT_EQ(api_->Write(client.fd(), {"x"}), IoResult(1));
}

TEST_F(KernelSocketsFaultTest, AnInterruptedCloseIsNotRepeated) {
  const auto [result, calls] = With({"close", EINTR, kForever}, [&] {
    client_.Close(CloseMode::kGraceful);
    return IoResult(0);
  });
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(api_->Read(server_.fd(), absl::MakeSpan(&byte_, 1)), IoResult(0));
}

TEST_F(KernelSocketsFaultTest, AFileMadeWhileTheOldOneWasProbedIsNotReplaced) {
  std::string folder = ::testing::TempDir() + "/kernel_sockets_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(chdir(folder.c_str()), 0);
  const auto listen = [&](absl::string_view path) {
    return api_->Listen(*SocketAddress::Parse(path), {});
  };
  Take(IoResult(listen("unix:a.sock").value_or(-1)));  // stale from here
  const Socket other = Take(IoResult(listen("unix:other.sock").value_or(-1)));
  const auto take_over = [] { rename("other.sock", "a.sock"); };

  absl::StatusOr<int> listened = -1;
  const auto [result, probes] =
      With({"connect", ECONNREFUSED, 1, 0, take_over}, [&] {
        listened = listen("unix:a.sock");
        return IoResult(0);
      });
  EXPECT_EQ(probes, 1);
  EXPECT_THAT(listened, Not(IsOk()));
  const Socket client =
      Take(api_->StartConnect(*SocketAddress::Parse("unix:a.sock"), nullptr));
  EXPECT_TRUE(Take(api_->Accept(other.fd(), nullptr)));
}

TEST_F(KernelSocketsFaultTest, WithoutIpv6BothFamiliesAreIpv4) {
  const auto listen = [&](const SocketAddress& address) {
    Fault none = {"socket", EAFNOSUPPORT, kForever};
    fault = &none;
    const absl::StatusOr<int> fd = api_->Listen(address, {});
    fault = nullptr;
    return fd;
  };
  const absl::StatusOr<int> fd = listen(SocketAddress::Everywhere(0));
  SLUICE_ASSERT_OK(fd);
  const Socket listener(api_, *fd);
  const auto bound = api_->Address(*fd, SocketApi::End::kLocal);
  SLUICE_ASSERT_OK(bound);
  EXPECT_EQ(bound->ToString(), absl::StrCat("0.0.0.0:", bound->port()));
  EXPECT_THAT(listen(*SocketAddress::Parse("[::]:0")), Not(IsOk()));
}

// unlink(2) fails like this in /tmp, and connect(2) without write permission.
TEST_F(KernelSocketsFaultTest, ReportsAStaleFileOfAnotherUser) {
  std::string folder = ::testing::TempDir() + "/fault_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(chdir(folder.c_str()), 0);
  const SocketAddress address = *SocketAddress::Parse("unix:a.sock");
  const absl::StatusOr<int> stale = api_->Listen(address, {});
  SLUICE_ASSERT_OK(stale);
  api_->Close(*stale, CloseMode::kGraceful);
  for (const auto& [call, error, says] :
       {std::tuple{"unlink", EPERM, "may not remove it: remove the file"},
        std::tuple{"connect", EACCES, "may not use: remove the file"}}) {
    Fault denied = {call, error, 1};
    fault = &denied;
    const absl::StatusOr<int> fd = api_->Listen(address, {});
    fault = nullptr;
    EXPECT_THAT(fd.status().message(), HasSubstr(says));
  }
  const absl::StatusOr<int> fd = api_->Listen(address, {});
  SLUICE_ASSERT_OK(fd);
  api_->Close(*fd, CloseMode::kGraceful);
}

}  // namespace
}  // namespace sluice

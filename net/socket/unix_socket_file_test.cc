#include "sluice/net/socket/unix_socket_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

bool Exists(const char* path) {
  struct stat found;
  return lstat(path, &found) == 0;
}

class UnixSocketFileTest : public ::testing::Test {
 protected:
  UnixSocketFileTest() {
    std::string folder = ::testing::TempDir() + "/unix_socket_file_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    EXPECT_EQ(chdir(folder.c_str()), 0);
  }

  Socket Listen(absl::string_view address) {
    const absl::StatusOr<int> fd =
        KernelSockets()->Listen(*SocketAddress::Parse(address), {});
    SLUICE_EXPECT_OK(fd);
    return fd.ok() ? Socket(KernelSockets(), *fd) : Socket();
  }
  UnixSocketFile MustFind(absl::string_view address) {
    absl::StatusOr<UnixSocketFile> file =
        UnixSocketFile::Find(KernelSockets(), *SocketAddress::Parse(address));
    SLUICE_EXPECT_OK(file);
    return file.ok() ? *std::move(file) : UnixSocketFile();
  }
};

TEST_F(UnixSocketFileTest, RemovesItsFile) {
  const Socket listener = Listen("unix:a.sock");
  UnixSocketFile file = MustFind("unix:a.sock");
  EXPECT_TRUE(Exists("a.sock"));
  SLUICE_EXPECT_OK(file.Remove());
  EXPECT_FALSE(Exists("a.sock"));
}

TEST_F(UnixSocketFileTest, DestructionRemovesNothing) {
  const Socket listener = Listen("unix:a.sock");
  MustFind("unix:a.sock");
  EXPECT_TRUE(Exists("a.sock"));
}

TEST_F(UnixSocketFileTest, LeavesTheFileOfAServerThatTookThePathOver) {
  const Socket first = Listen("unix:a.sock");
  UnixSocketFile file = MustFind("unix:a.sock");
  ASSERT_EQ(unlink("a.sock"), 0);
  const Socket second = Listen("unix:a.sock");
  SLUICE_EXPECT_OK(file.Remove());
  EXPECT_TRUE(Exists("a.sock"));
}

TEST_F(UnixSocketFileTest, RemovingTwiceRemovesOnce) {
  Socket first = Listen("unix:a.sock");
  UnixSocketFile file = MustFind("unix:a.sock");
  SLUICE_EXPECT_OK(file.Remove());
  // The kernel may reuse the inode.
  first.Close(CloseMode::kGraceful);
  const Socket second = Listen("unix:a.sock");
  SLUICE_EXPECT_OK(file.Remove());
  EXPECT_TRUE(Exists("a.sock"));
}

TEST_F(UnixSocketFileTest, AFileThatHasGoneIsNoError) {
  const Socket listener = Listen("unix:a.sock");
  UnixSocketFile file = MustFind("unix:a.sock");
  ASSERT_EQ(unlink("a.sock"), 0);
  SLUICE_EXPECT_OK(file.Remove());
}

TEST_F(UnixSocketFileTest, OtherAddressesHaveNoFile) {
  for (const char* address : {"127.0.0.1:80", "unix:@name", "unix:"}) {
    UnixSocketFile file = MustFind(address);
    SLUICE_EXPECT_OK(file.Remove());
  }
  UnixSocketFile none;
  SLUICE_EXPECT_OK(none.Remove());
}

TEST_F(UnixSocketFileTest, NoFileIsAnErrorThatNamesIt) {
  EXPECT_THAT(
      UnixSocketFile::Find(KernelSockets(),
                           *SocketAddress::Parse("unix:a.sock")),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("lstat on unix:a.sock")));
}

TEST_F(UnixSocketFileTest, AFileThatIsNotASocketIsAnError) {
  close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_THAT(
      UnixSocketFile::Find(KernelSockets(), *SocketAddress::Parse("unix:file")),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("unix:file: not a socket")));
}

TEST_F(UnixSocketFileTest, AFolderThatCannotBeReadIsAnError) {
  ASSERT_EQ(mkdir("folder", 0700), 0);
  const Socket listener = Listen("unix:folder/a.sock");
  UnixSocketFile file = MustFind("unix:folder/a.sock");
  ASSERT_EQ(rename("folder", "moved"), 0);
  close(open("folder", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_THAT(file.Remove().message(), HasSubstr("(errno 20)"));
}

}  // namespace
}  // namespace sluice

#include "sluice/log/internal/file_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/without_system_call.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/internal/file_writer_folder.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

TEST(KernelFileCallsTest, StatReturnsTheSameWithoutStatx) {
  FileWriterFolder folder;
  folder.Write("log", "five\n");
  FileCalls* const calls = KernelFileCalls();
  const IoResult fd = calls->Open(folder.Path("log"), O_RDONLY | O_CLOEXEC, 0);
  ASSERT_TRUE(fd.ok());
  const int log = static_cast<int>(fd.value());
  struct stat found;
  ASSERT_TRUE(calls->Stat(log, &found).ok());
  EXPECT_TRUE(S_ISREG(found.st_mode));
  EXPECT_EQ(found.st_nlink, 1u);
  EXPECT_EQ(found.st_size, 5);
  for (const int error : {ENOSYS, EPERM}) {
    WithoutSystemCall(SYS_statx, error, [&] {
      struct stat other = {};
      EXPECT_EQ(calls->Stat(log, &other), IoResult(0));
      EXPECT_EQ(other.st_mode, found.st_mode);
      EXPECT_EQ(other.st_nlink, found.st_nlink);
      EXPECT_EQ(other.st_size, found.st_size);
      EXPECT_EQ(other.st_dev, found.st_dev);
      EXPECT_EQ(other.st_ino, found.st_ino);
    });
  }
  EXPECT_EQ(calls->Close(log), IoResult(0));
}

TEST(KernelFileCallsTest, StatOfNoFileIsAnErrorWithoutStatx) {
  WithoutSystemCall(SYS_statx, EPERM, [] {
    struct stat found;
    EXPECT_EQ(KernelFileCalls()->Stat(-1, &found), IoResult::FromErrno(EBADF));
  });
}

TEST(KernelFileCallsTest, AFileWriterWorksWithoutStatx) {
  for (const int error : {ENOSYS, EPERM}) {
    FileWriterFolder folder;
    folder.Write("log", "old\n");
    WithoutSystemCall(SYS_statx, error, [&] {
      SimClock clock;
      auto writer =
          FileWriter::Open(&clock, folder.Path("log"), {.max_bytes = 6});
      SLUICE_ASSERT_OK(writer);
      for (absl::string_view line : {"1\n", "2\n", "3\n"}) {
        SLUICE_EXPECT_OK((*writer)->Write(&line));
      }
      EXPECT_EQ((*writer)->stats().rotations, 1u);
      EXPECT_EQ(folder.Log(), "old\n1\n2\n3\n");
    });
  }
}

}  // namespace
}  // namespace sluice

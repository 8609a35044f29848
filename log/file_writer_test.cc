#include "sluice/log/file_writer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/internal/faulty_file_calls.h"
#include "sluice/log/internal/file_writer_folder.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class FileWriterTest : public ::testing::Test {
 protected:
  // Closes the open writer, and opens Path("log").
  absl::Status Open(FileWriter::Options options = FileWriter::Options(),
                    absl::string_view name = "log") {
    writer_.reset();
    absl::StatusOr<std::unique_ptr<FileWriter>> writer =
        FileWriter::Open(&clock_, folder_.Path(name), options, &calls_);
    if (writer.ok()) writer_ = *std::move(writer);
    return writer.status();
  }

  // Writes the lines in one call, and returns the bytes that are left.
  std::string Rest(absl::string_view lines) {
    status_ = writer_->Write(&lines);
    return std::string(lines);
  }
  void Write(absl::string_view lines) {
    EXPECT_EQ(Rest(lines), "");
    SLUICE_EXPECT_OK(status_);
  }

  void TearDown() override {
    writer_.reset();
    EXPECT_EQ(calls_.open_descriptors(), 0);
  }

  FileWriterFolder folder_;
  FaultyFileCalls calls_;
  SimClock clock_;
  std::unique_ptr<FileWriter> writer_;
  absl::Status status_;
};

// Opening
// ---------------------------------------------------------------------------

TEST_F(FileWriterTest, AppendsToAnExistingFile) {
  folder_.Write("log", "before\n");
  SLUICE_ASSERT_OK(Open());
  Write("one\n");
  Write("");
  Write("two\nthree\n");
  SLUICE_ASSERT_OK(Open());
  Write("four\n");
  EXPECT_EQ(folder_.Read("log"), "before\none\ntwo\nthree\nfour\n");
}

TEST_F(FileWriterTest, EndsALineThatAnEarlierProcessTruncated) {
  folder_.Write("log", "before\ncut of");
  SLUICE_ASSERT_OK(Open());
  EXPECT_EQ(folder_.Read("log"), "before\ncut of");
  Write("one\n");
  Write("two\n");
  EXPECT_EQ(folder_.Read("log"), "before\ncut of\none\ntwo\n");
}

TEST_F(FileWriterTest,
       TheNewlineAfterATruncatedLineIsWrittenOnceDespiteErrors) {
  folder_.Write("log", "cut of");
  SLUICE_ASSERT_OK(Open());
  calls_.FailOnce("write", 1, ENOSPC);
  EXPECT_EQ(Rest("one\n"), "one\n");
  calls_.FailOnce("write", 2, ENOSPC);
  EXPECT_EQ(Rest("one\n"), "one\n");
  Write("one\n");
  EXPECT_EQ(folder_.Read("log"), "cut of\none\n");
}

TEST_F(FileWriterTest, CreatesAFileWithTheModeAndCloseOnExec) {
  const mode_t mask = umask(022);
  SLUICE_ASSERT_OK(Open({.mode = 0662}));
  umask(mask);
  struct stat found;
  ASSERT_EQ(stat(folder_.Path("log").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640);
  const int next = dup(0);
  close(next);
  for (int fd = 3; fd < next; ++fd) {
    struct stat other;
    if (fstat(fd, &other) == 0 && other.st_ino == found.st_ino) {
      EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
      EXPECT_TRUE(fcntl(fd, F_GETFL) & O_APPEND);
      return;
    }
  }
  FAIL() << "no descriptor of the file";
}

TEST_F(FileWriterTest, RefusesOtherThingsThanFilesAndSaysWhy) {
  ASSERT_EQ(mkdir(folder_.Path("folder").c_str(), 0777), 0);
  EXPECT_THAT(Open({}, "folder").message(), HasSubstr("Is a directory"));
  ASSERT_EQ(symlink("elsewhere", folder_.Path("link").c_str()), 0);
  EXPECT_THAT(Open({}, "link"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("symbolic link")));
  ASSERT_EQ(mkfifo(folder_.Path("fifo").c_str(), 0666), 0);
  EXPECT_THAT(Open({}, "fifo"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("neither a file nor a character device")));
  EXPECT_THAT(Open({}, "missing/log"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("missing/log")));
  EXPECT_EQ(calls_.open_descriptors(), 0);
}

TEST_F(FileWriterTest, RefusesEachOptionOutOfRange) {
  const struct {
    const char* message;
    FileWriter::Options options;
  } kBad[] = {
      {"max_bytes is 0, and must be at least 1", {.max_bytes = 0}},
      {"max_bytes is -9223372036854775808", {.max_bytes = INT64_MIN}},
      {"keep is -1, and must be 0 to 1000000", {.keep = -1}},
      {"keep is 1000001", {.keep = 1'000'001}},
      {"keep is 2147483647", {.keep = INT_MAX}},
      {"mode is 01000, and must be 0 to 0777", {.mode = 01000}},
      {"mode is 037777777777", {.mode = ~mode_t{0}}},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(Open(bad.options),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("FileWriter: ", bad.message))));
  }
  EXPECT_EQ(calls_.open_descriptors(), 0);
}

TEST_F(FileWriterTest, AcceptsTheLargestLimits) {
  auto writer =
      FileWriter::Open(&clock_, folder_.Path("log"),
                       {.max_bytes = INT64_MAX, .keep = 1'000'000}, &calls_);
  SLUICE_ASSERT_OK(writer);
  absl::string_view line = "1\n";
  SLUICE_EXPECT_OK((*writer)->Write(&line));
  EXPECT_EQ(folder_.Read("log"), "1\n");
}

TEST_F(FileWriterTest, OpenUsesTheCallsOfTheKernel) {
  absl::StatusOr<std::unique_ptr<FileWriter>> writer =
      FileWriter::Open(&clock_, folder_.Path("log"), {});
  SLUICE_ASSERT_OK(writer);
  absl::string_view lines = "line\n";
  SLUICE_EXPECT_OK((*writer)->Write(&lines));
  SLUICE_EXPECT_OK((*writer)->Flush());
  EXPECT_EQ(folder_.Read("log"), "line\n");
}

// Rotation by size
// ---------------------------------------------------------------------------

TEST_F(FileWriterTest, RotatesBeforeALineThatWouldExceedTheLimit) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("one\n");
  Write("two\n");
  EXPECT_EQ(folder_.Read("log"), "one\ntwo\n");
  Write("3\n");
  Write("four\n");
  Write("5\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "5\n"), Pair("log.1", "3\nfour\n"),
                          Pair("log.2", "one\ntwo\n")));
}

TEST_F(FileWriterTest, SplitsALargePieceAtTheEndsOfLines) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("1\n");
  Write("2\nthree\n4\n5\n6\n7\n8\n");
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log", "5\n6\n7\n8\n"),
                                           Pair("log.1", "three\n4\n"),
                                           Pair("log.2", "1\n2\n")));
}

TEST_F(FileWriterTest, ALineLongerThanTheLimitGetsAFileOfItsOwn) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("1\nsomething longer\n2\n3\n");
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log", "2\n3\n"),
                                           Pair("log.1", "something longer\n"),
                                           Pair("log.2", "1\n")));
}

TEST_F(FileWriterTest, AFileThatIsFullWhenOpenedIsRotatedFirst) {
  folder_.Write("log", "from before\n");
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("1\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "1\n"), Pair("log.1", "from before\n")));
}

TEST_F(FileWriterTest, ATruncatedLineIsEndedInItsFileBeforeTheRotation) {
  folder_.Write("log", "from befo");
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("1\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "1\n"), Pair("log.1", "from befo\n")));
}

TEST_F(FileWriterTest, AnEmptyFileIsNotRotatedForALongLine) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 8}));
  Write("something longer\n");
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log", "something longer\n")));
}

TEST_F(FileWriterTest, KeepsOnlyTheNewestFiles) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 2}));
  for (int i = 1; i <= 5; ++i) Write(absl::StrCat(i, "\n"));
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "5\n"), Pair("log.1", "4\n"),
                          Pair("log.2", "3\n")));
  EXPECT_EQ(writer_->stats().rotations, 4);
}

TEST_F(FileWriterTest, KeepsNoRotatedFileIfKeepIsZero) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 0}));
  for (int i = 1; i <= 3; ++i) Write(absl::StrCat(i, "\n"));
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log", "3\n")));
}

TEST_F(FileWriterTest, RemovesFilesBeyondKeepOfAnEarlierProcess) {
  for (int i = 1; i <= 5; ++i) {
    folder_.Write(absl::StrCat("log.", i), absl::StrCat("old ", i, "\n"));
  }
  folder_.Write("log", "old\n");
  folder_.Write("log.txt", "not mine");
  SLUICE_ASSERT_OK(Open({.max_bytes = 4, .keep = 2}));
  Write("new\n");
  EXPECT_THAT(
      folder_.Files(),
      ElementsAre(Pair("log", "new\n"), Pair("log.1", "old\n"),
                  Pair("log.2", "old 1\n"), Pair("log.txt", "not mine")));
}

// The process ends between any two calls of a rotation.
TEST_F(FileWriterTest, AnInterruptedRotationIsRepairedWithoutRemovingAFile) {
  for (int missing = 0; missing <= 3; ++missing) {
    FileWriterFolder folder;
    std::string expected;
    for (int i = 3; i >= 0; --i) {
      if (i == missing) continue;
      const std::string contents = absl::StrCat("old ", i, "\n");
      folder.Write(i == 0 ? "log" : absl::StrCat("log.", i), contents);
      expected += contents;
    }
    auto writer = FileWriter::Open(&clock_, folder.Path("log"),
                                   {.max_bytes = 6, .keep = 3}, &calls_);
    SLUICE_ASSERT_OK(writer);
    absl::string_view lines = "new 1\n";
    SLUICE_EXPECT_OK((*writer)->Write(&lines));
    EXPECT_EQ(folder.Log(), expected + "new 1\n") << missing;
    EXPECT_EQ(folder.Files().size(), 4) << missing;
    EXPECT_EQ(folder.Read("log"), "new 1\n") << missing;
  }
}

TEST_F(FileWriterTest, AFailedRenameIsReportedAndRetriedAfterTenSeconds) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2}));
  Write("1\n");
  calls_.FailAlways("rename", EACCES);
  Write("2\n3\n");
  EXPECT_EQ(calls_.calls("write"), 2);  // the piece is not split
  Write("4\n");
  clock_.Advance(absl::Seconds(9));
  Write("5\n");
  EXPECT_EQ(calls_.calls("rename"), 1);
  EXPECT_EQ(folder_.Read("log"), "1\n2\n3\n4\n5\n");
  const absl::Status status = writer_->Flush();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied,
                               HasSubstr("continuing in the current file")));
  EXPECT_EQ(ErrnoOf(status), EACCES);
  SLUICE_EXPECT_OK(writer_->Flush());  // reported once

  clock_.Advance(absl::Seconds(1));
  Write("6\n");
  EXPECT_EQ(calls_.calls("rename"), 2);
  calls_.FailNothing();
  clock_.Advance(absl::Seconds(10));
  Write("7\n");
  EXPECT_THAT(
      folder_.Files(),
      ElementsAre(Pair("log", "7\n"), Pair("log.1", "1\n2\n3\n4\n5\n6\n")));
  EXPECT_EQ(writer_->stats().errors, 2);
}

TEST_F(FileWriterTest, IfTheNextFileCannotBeOpenedWritesToTheRotatedOne) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 1}));
  Write("1\n2\n");
  calls_.FailAlways("open", EMFILE);
  Write("3\n");
  clock_.Advance(absl::Seconds(10));
  Write("4\n");
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log.1", "2\n3\n4\n")));
  calls_.FailNothing();
  clock_.Advance(absl::Seconds(10));
  Write("5\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "5\n"), Pair("log.1", "2\n3\n4\n")));
}

TEST_F(FileWriterTest, AFolderAtTheNextNameIsReportedAndWritingContinues) {
  ASSERT_EQ(mkdir(folder_.Path("log.1").c_str(), 0777), 0);
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 1}));
  Write("1\n2\n3\n");
  EXPECT_EQ(folder_.Read("log"), "1\n2\n3\n");
  EXPECT_THAT(writer_->Flush().message(), HasSubstr("unlink on"));
}

// Reopening
// ---------------------------------------------------------------------------

TEST_F(FileWriterTest, ARenamedFileIsWrittenToUntilReopen) {
  SLUICE_ASSERT_OK(Open());
  Write("1\n");
  ASSERT_EQ(
      std::rename(folder_.Path("log").c_str(), folder_.Path("moved").c_str()),
      0);
  Write("2\n");
  writer_->Reopen();
  Write("3\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "3\n"), Pair("moved", "1\n2\n")));
  EXPECT_EQ(writer_->stats().reopens, 1);
}

TEST_F(FileWriterTest, FlushReopensToo) {
  SLUICE_ASSERT_OK(Open());
  ASSERT_EQ(
      std::rename(folder_.Path("log").c_str(), folder_.Path("moved").c_str()),
      0);
  writer_->Reopen();
  SLUICE_EXPECT_OK(writer_->Flush());
  EXPECT_EQ(folder_.Read("log"), "");
  EXPECT_EQ(calls_.open_descriptors(), 1);
}

TEST_F(FileWriterTest, ReopenOfAnUnchangedFileChangesNothing) {
  SLUICE_ASSERT_OK(Open());
  calls_.set_plan([n = 0](absl::string_view call) mutable {
    using Fault = FaultyFileCalls::Fault;
    if (call != "write") return Fault{};
    return ++n == 1 ? Fault{.at_most = 3} : Fault{.error = ENOSPC};
  });
  EXPECT_EQ(Rest("line\n"), "e\n");
  calls_.FailNothing();
  writer_->Reopen();
  Write("e\n");
  EXPECT_EQ(folder_.Read("log"), "line\n");
  EXPECT_EQ(calls_.open_descriptors(), 1);
}

TEST_F(FileWriterTest, AFailedReopenContinuesInTheOpenFile) {
  SLUICE_ASSERT_OK(Open());
  ASSERT_EQ(
      std::rename(folder_.Path("log").c_str(), folder_.Path("moved").c_str()),
      0);
  calls_.FailAlways("open", EACCES);
  writer_->Reopen();
  Write("1\n");
  Write("2\n");
  EXPECT_EQ(calls_.calls("open"), 2);
  clock_.Advance(absl::Seconds(10));
  Write("3\n");
  EXPECT_EQ(calls_.calls("open"), 3);
  EXPECT_EQ(folder_.Read("moved"), "1\n2\n3\n");
  calls_.FailNothing();
  writer_->Reopen();  // a new request does not wait
  Write("4\n");
  EXPECT_EQ(folder_.Read("log"), "4\n");
  EXPECT_THAT(writer_->Flush(), StatusIs(absl::StatusCode::kPermissionDenied));
}

FileWriter* signalled = nullptr;

TEST_F(FileWriterTest, ReopenMayBeCalledByAHandlerAndByOtherThreads) {
  SLUICE_ASSERT_OK(Open());
  signalled = writer_.get();
  const auto before = std::signal(SIGHUP, [](int) { signalled->Reopen(); });
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      writer_->Reopen();
      EXPECT_LE(writer_->stats().bytes, 200);
    }
  });
  for (int i = 0; i < 100; ++i) Write("x\n");
  other.join();
  std::remove(folder_.Path("log").c_str());
  folder_.Write("log", "new\n");
  std::raise(SIGHUP);
  Write("y\n");
  EXPECT_EQ(folder_.Read("log"), "new\ny\n");
  std::signal(SIGHUP, before);
}

TEST_F(FileWriterTest, ADeletedFileIsCreatedAgain) {
  SLUICE_ASSERT_OK(Open());
  Write("1\n");
  std::remove(folder_.Path("log").c_str());
  Write("2\n");
  EXPECT_EQ(folder_.Read("log"), "2\n");
  EXPECT_EQ(writer_->stats().reopens, 1);
  EXPECT_EQ(calls_.open_descriptors(), 1);
}

TEST_F(FileWriterTest, ADeletedFolderIsAnErrorUntilItExistsAgain) {
  const std::string folder = folder_.Path("inner");
  ASSERT_EQ(mkdir(folder.c_str(), 0777), 0);
  SLUICE_ASSERT_OK(Open({}, "inner/log"));
  Write("1\n");
  SLUICE_EXPECT_OK(writer_->Flush());
  std::filesystem::remove_all(folder);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Rest("2\n"), "2\n");
    EXPECT_THAT(status_,
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("open on")));
    EXPECT_THAT(writer_->Flush(), StatusIs(absl::StatusCode::kNotFound));
  }
  ASSERT_EQ(mkdir(folder.c_str(), 0777), 0);
  Write("2\n");
  EXPECT_EQ(folder_.Read("inner/log"), "2\n");
  EXPECT_EQ(writer_->stats().errors, 6);
}

TEST_F(FileWriterTest, AStaleFileOfAFileServerIsOpenedAgain) {
  SLUICE_ASSERT_OK(Open());
  Write("1\n");
  calls_.FailOnce("statx", 1, ESTALE);
  Write("2\n");
  EXPECT_EQ(folder_.Read("log"), "1\n2\n");
  EXPECT_EQ(writer_->stats().reopens, 1);
}

TEST_F(FileWriterTest, ATruncatedFileIsWrittenToFromItsNewEnd) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 4}));
  Write("1\n2\n");
  ASSERT_EQ(truncate(folder_.Path("log").c_str(), 0), 0);
  Write("3\n4\n");
  EXPECT_THAT(folder_.Files(), ElementsAre(Pair("log", "3\n4\n")));
}

// Errors of write(2)
// ---------------------------------------------------------------------------

TEST_F(FileWriterTest, AFullDiskLeavesTheRestForTheNextCall) {
  SLUICE_ASSERT_OK(Open());
  for (const int error : {ENOSPC, EDQUOT, EIO, EAGAIN}) {
    calls_.set_plan([error, n = 0](absl::string_view call) mutable {
      using Fault = FaultyFileCalls::Fault;
      if (call != "write") return Fault{};
      return ++n == 1 ? Fault{.at_most = 6} : Fault{.error = error};
    });
    EXPECT_EQ(Rest("one\ntwo\n"), "o\n");
    EXPECT_THAT(status_.message(), HasSubstr(absl::StrCat("errno ", error)));
    calls_.FailNothing();
    Write("o\nthree\n");
  }
  EXPECT_EQ(folder_.Read("log"),
            "one\ntwo\nthree\none\ntwo\nthree\none\ntwo\nthree\n"
            "one\ntwo\nthree\n");
  EXPECT_EQ(writer_->stats().errors, 4);
}

TEST_F(FileWriterTest, DoesNotRotateInTheMiddleOfALine) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 6}));
  calls_.set_plan([n = 0](absl::string_view call) mutable {
    using Fault = FaultyFileCalls::Fault;
    if (call != "write") return Fault{};
    return ++n == 1 ? Fault{.at_most = 2} : Fault{.error = ENOSPC};
  });
  EXPECT_EQ(Rest("line1\n"), "ne1\n");
  calls_.FailNothing();
  Write("ne1 that grew longer\n2\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "2\n"),
                          Pair("log.1", "line1 that grew longer\n")));
}

TEST_F(FileWriterTest, TheRestOfALineGoesToTheReopenedFile) {
  SLUICE_ASSERT_OK(Open());
  calls_.set_plan([n = 0](absl::string_view call) mutable {
    using Fault = FaultyFileCalls::Fault;
    if (call != "write") return Fault{};
    return ++n == 1 ? Fault{.at_most = 3} : Fault{.error = ENOSPC};
  });
  EXPECT_EQ(Rest("line\n"), "e\n");
  calls_.FailNothing();
  ASSERT_EQ(
      std::rename(folder_.Path("log").c_str(), folder_.Path("moved").c_str()),
      0);
  writer_->Reopen();
  Write("e\nnext\n");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "e\nnext\n"), Pair("moved", "lin")));
}

TEST_F(FileWriterTest, ContinuesAfterInterruptionsAndShortCounts) {
  SLUICE_ASSERT_OK(Open());
  calls_.set_plan([n = 0](absl::string_view call) mutable {
    using Fault = FaultyFileCalls::Fault;
    if (call != "write") return Fault{};
    return ++n % 3 == 0 ? Fault{.at_most = 1} : Fault{.error = EINTR};
  });
  const std::string lines = std::string(100, 'x') + "\n";
  Write(lines);
  EXPECT_EQ(folder_.Read("log"), lines);
}

TEST_F(FileWriterTest, CallsThatWriteNothingAreRepeatedABoundedNumberOfTimes) {
  SLUICE_ASSERT_OK(Open());
  for (const FaultyFileCalls::Fault fault :
       {FaultyFileCalls::Fault{.at_most = 0}, {.error = EINTR}}) {
    calls_.set_plan([fault](absl::string_view call) {
      return call == "write" ? fault : FaultyFileCalls::Fault{};
    });
    EXPECT_EQ(Rest("one\n"), "one\n");
    EXPECT_THAT(status_, Not(IsOk()));
  }
  EXPECT_EQ(calls_.calls("write"), 202);
}

TEST_F(FileWriterTest, AFullDeviceIsAnErrorAndNeverRotated) {
  // A mistake must not rename the /dev/full of the machine.
  calls_.FailAlways("rename", EPERM);
  auto writer =
      FileWriter::Open(&clock_, "/dev/full", {.max_bytes = 1}, &calls_);
  SLUICE_ASSERT_OK(writer);
  for (int i = 0; i < 3; ++i) {
    absl::string_view lines = "one\ntwo\n";
    EXPECT_THAT((*writer)->Write(&lines),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("write on /dev/full: No space left")));
    EXPECT_EQ(lines, "one\ntwo\n");
  }
  SLUICE_EXPECT_OK((*writer)->Flush());  // nothing to synchronize
  auto null = FileWriter::Open(&clock_, "/dev/null", {.max_bytes = 1}, &calls_);
  SLUICE_ASSERT_OK(null);
  absl::string_view lines = "one\ntwo\n";
  SLUICE_EXPECT_OK((*null)->Write(&lines));
  EXPECT_EQ(lines, "");
  EXPECT_EQ(calls_.calls("rename"), 0);
}

// The process has a limit of its own.
TEST_F(FileWriterTest, AtTheFileSizeLimitTheRestGoesToTheNextFile) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  SLUICE_ASSERT_OK(Open());
  const rlimit six = {6, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &six), 0);
  const std::string rest = Rest("one\ntwo\nthree\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  SLUICE_EXPECT_OK(status_);
  EXPECT_EQ(rest, "");
  EXPECT_THAT(folder_.Files(),
              ElementsAre(Pair("log", "e\n"), Pair("log.1", "o\nthre"),
                          Pair("log.2", "one\ntw")));
}

TEST_F(FileWriterTest, IfTheNextFileIsAtTheLimitTooItIsAnError) {
  SLUICE_ASSERT_OK(Open());
  Write("1\n");
  calls_.FailAlways("write", EFBIG);
  EXPECT_EQ(Rest("2\n"), "2\n");
  EXPECT_THAT(status_.message(), HasSubstr(absl::StrCat("errno ", EFBIG)));
  EXPECT_EQ(folder_.Read("log.1"), "1\n");
}

// Flush
// ---------------------------------------------------------------------------

TEST_F(FileWriterTest, FlushSynchronizesTheFilesAndTheirFolder) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2}));
  Write("1\n2\n3\n");
  EXPECT_EQ(calls_.open_descriptors(), 3);
  EXPECT_EQ(calls_.calls("fdatasync"), 0);
  SLUICE_EXPECT_OK(writer_->Flush());
  EXPECT_EQ(calls_.open_descriptors(), 1);
  EXPECT_EQ(calls_.calls("fdatasync"), 3);
  EXPECT_EQ(calls_.calls("fsync"), 1);
  SLUICE_EXPECT_OK(writer_->Flush());
  EXPECT_EQ(calls_.calls("fdatasync"), 4);
  EXPECT_EQ(calls_.calls("fsync"), 1);  // no name has changed
}

TEST_F(FileWriterTest, FlushRepeatsTheFolderUntilItSucceeds) {
  SLUICE_ASSERT_OK(Open());
  for (const char* call : {"fsync", "open"}) {
    calls_.FailOnce(call, 1, EIO);
    EXPECT_THAT(writer_->Flush().message(), HasSubstr(call));
  }
  SLUICE_EXPECT_OK(writer_->Flush());
  EXPECT_EQ(calls_.calls("fsync"), 2);
}

TEST_F(FileWriterTest, APathMayBeRelative) {
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.Path(""));
  auto writer = FileWriter::Open(&clock_, "log", {});
  SLUICE_ASSERT_OK(writer);
  absl::string_view lines = "line\n";
  SLUICE_EXPECT_OK((*writer)->Write(&lines));
  SLUICE_EXPECT_OK((*writer)->Flush());
  std::filesystem::current_path(before);
  EXPECT_EQ(folder_.Read("log"), "line\n");
}

TEST_F(FileWriterTest, ARemovedFileIsClosedAtOnceAndNotSynchronized) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 1}));
  for (int i = 0; i < 10; ++i) Write("x\n");
  EXPECT_EQ(calls_.open_descriptors(), 2);
  std::remove(folder_.Path("log.1").c_str());
  SLUICE_EXPECT_OK(writer_->Flush());
  EXPECT_EQ(calls_.calls("fdatasync"), 1);
}

TEST_F(FileWriterTest, AtMostSixteenRotatedFilesStayOpenForFlush) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2, .keep = 100}));
  for (int i = 0; i < 17; ++i) Write("x\n");
  EXPECT_EQ(calls_.open_descriptors(), 17);
  EXPECT_EQ(calls_.calls("fdatasync"), 0);
  calls_.FailOnce("fdatasync", 1, EIO);
  Write("x\n");
  EXPECT_EQ(calls_.open_descriptors(), 17);
  EXPECT_EQ(calls_.calls("fdatasync"), 1);
  EXPECT_THAT(writer_->Flush().message(), HasSubstr("fdatasync"));
}

TEST_F(FileWriterTest, FlushReturnsTheFirstErrorOnce) {
  SLUICE_ASSERT_OK(Open({.max_bytes = 2}));
  Write("1\n2\n");
  calls_.FailAlways("close", ENOSPC);
  Write("3\n");
  calls_.set_plan([](absl::string_view call) {
    using Fault = FaultyFileCalls::Fault;
    if (call == "fdatasync") return Fault{.error = EIO};
    return call == "close" ? Fault{.error = ENOSPC} : Fault{};
  });
  EXPECT_THAT(writer_->Flush().message(), HasSubstr("fdatasync"));
  calls_.FailNothing();
  SLUICE_EXPECT_OK(writer_->Flush());
}

TEST_F(FileWriterTest, StatsCountBytesOfAllFiles) {
  folder_.Write("log", "cut of");
  SLUICE_ASSERT_OK(Open({.max_bytes = 10}));
  EXPECT_EQ(writer_->stats().bytes, 0);
  Write("one\ntwo\n");
  const FileWriter::Stats stats = writer_->stats();
  EXPECT_EQ(stats.bytes, 9);  // with the newline of the line before
  EXPECT_EQ(stats.rotations, 1);
  EXPECT_EQ(stats.reopens, 0);
  EXPECT_EQ(stats.errors, 0);
}

}  // namespace
}  // namespace sluice

#include "sluice/base/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

// Each case has its own process, because all threads share the standard
// descriptors.
[[noreturn]] void Exit(bool as_expected) { _exit(as_expected ? 0 : 1); }

TEST(StandardDescriptorsDeathTest, ClosedDescriptorsAreFilledAndStillFail) {
  EXPECT_EXIT(
      {
        for (const int fd : {0, 1, 2}) close(fd);
        FillStandardDescriptors();
        char byte = 'x';
        bool fail = read(0, &byte, 1) < 0 && errno == EBADF;
        for (const int fd : {1, 2}) {
          fail = write(fd, &byte, 1) < 0 && errno == EBADF && fail;
        }
        Exit(fail && open("/", O_RDONLY) > 2);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(StandardDescriptorsDeathTest, OneClosedDescriptorIsFilled) {
  for (const int gap : {0, 1, 2}) {
    EXPECT_EXIT(
        {
          close(gap);
          FillStandardDescriptors();
          Exit(fcntl(gap, F_GETFD) >= 0 && open("/", O_RDONLY) > 2);
        },
        ::testing::ExitedWithCode(0), "");
  }
}

TEST(StandardDescriptorsDeathTest, OpenDescriptorsAreNotChanged) {
  EXPECT_EXIT(
      {
        int ends[2];
        if (pipe(ends) != 0) Exit(false);
        for (const int fd : {0, 1, 2}) dup2(ends[1], fd);
        FillStandardDescriptors();
        bool open = true;
        for (const int fd : {0, 1, 2}) open = write(fd, "x", 1) == 1 && open;
        Exit(open);
      },
      ::testing::ExitedWithCode(0), "");
}

// Makes standard error a pipe; returns the end to read from.
int PipeError() {
  int ends[2];
  if (pipe(ends) != 0) Exit(false);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  return ends[0];
}

TEST(StandardDescriptorsDeathTest, ALongTextIsWrittenWhole) {
  EXPECT_EXIT(
      {
        const int end = PipeError();
        const std::string text(20'000, 'x');
        const bool written = WriteToStandardError(text);
        std::string read_back(30'000, ' ');
        const ssize_t size = read(end, read_back.data(), read_back.size());
        Exit(written && read_back.substr(0, static_cast<size_t>(size)) == text);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(StandardDescriptorsDeathTest, AWriteToAFullPipeGivesUp) {
  EXPECT_EXIT(
      {
        PipeError();
        const std::string more_than_fits(1'000'000, 'x');
        Exit(!WriteToStandardError(more_than_fits, absl::Milliseconds(1)));
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(StandardDescriptorsDeathTest, WithoutLossTheExitCodeIsKept) {
  for (const int code : {0, 3}) {
    EXPECT_EXIT(
        {
          std::printf("results\n");
          _exit(FinishStandardOutput("program", code));
        },
        ::testing::ExitedWithCode(code), "^$");
  }
}

TEST(StandardDescriptorsDeathTest, LostOutputIsAFailure) {
  const absl::string_view why = "program: cannot write the results to stdout: ";
  EXPECT_EXIT(
      {
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
        std::printf("results\n");
        _exit(FinishStandardOutput("program", 0));
      },
      ::testing::ExitedWithCode(1),
      std::string(why) + "No space left on device\n");
  EXPECT_EXIT(
      {
        close(STDOUT_FILENO);
        FillStandardDescriptors();
        std::printf("results\n");
        _exit(FinishStandardOutput("program", 2));
      },
      ::testing::ExitedWithCode(2), std::string(why) + "Bad file descriptor\n");
}

// FinishStandardOutput() reports output that an earlier flush lost.
TEST(StandardDescriptorsDeathTest, OutputThatAnEarlierFlushLostIsAFailure) {
  EXPECT_EXIT(
      {
        const int kept = dup(STDOUT_FILENO);
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
        std::printf("results\n");
        std::fflush(stdout);
        dup2(kept, STDOUT_FILENO);
        _exit(FinishStandardOutput("program", 0));
      },
      ::testing::ExitedWithCode(1), "program: cannot write the results");
}

}  // namespace
}  // namespace sluice

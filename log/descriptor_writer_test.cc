#include "sluice/log/descriptor_writer.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DescriptorWriterTest, WritesPiecesInOrder) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  DescriptorWriter writer(fileno(file));
  for (absl::string_view lines : {"one\ntwo\n", "", "three\n"}) {
    SLUICE_ASSERT_OK(writer.Write(&lines));
    EXPECT_EQ(lines, "");
  }
  SLUICE_ASSERT_OK(writer.Flush());
  char buffer[100] = {};
  EXPECT_EQ(pread(fileno(file), buffer, sizeof(buffer), 0), 14);
  EXPECT_EQ(absl::string_view(buffer), "one\ntwo\nthree\n");
  std::fclose(file);
}

// A non-blocking pipe holds 64 KiB: writes are short, and then would block.
TEST(DescriptorWriterTest, ContinuesAfterShortWritesAndFullPipes) {
  int pipe[2];
  ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
  ASSERT_EQ(fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0);
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    absl::StrAppend(&expected, "line ", i, std::string(i % 90, '.'), "\n");
  }
  std::string received;
  std::thread reader([&] {
    char buffer[1000];
    ssize_t size;
    while ((size = read(pipe[0], buffer, sizeof(buffer))) > 0) {
      received.append(buffer, static_cast<size_t>(size));
    }
  });
  DescriptorWriter writer(pipe[1]);
  absl::string_view lines = expected;
  SLUICE_EXPECT_OK(writer.Write(&lines));
  EXPECT_EQ(lines.size(), 0);
  SLUICE_EXPECT_OK(writer.Flush());
  close(pipe[1]);
  reader.join();
  close(pipe[0]);
  EXPECT_TRUE(received == expected);
}

TEST(DescriptorWriterTest, AnErrorNamesTheCallAndTheDescriptor) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  DescriptorWriter writer(fd);
  absl::string_view lines = "line\n";
  EXPECT_THAT(writer.Write(&lines),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr(absl::StrCat("write on descriptor ", fd))));
  close(fd);
}

// The process may write eight bytes of a file: one short write, then EFBIG.
TEST(DescriptorWriterTest, AnErrorLeavesUnwrittenBytesForTheNextCall) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto allow = [&](rlim_t size) {
    const rlimit less = {size, limit.rlim_max};
    return setrlimit(RLIMIT_FSIZE, &less);
  };
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  DescriptorWriter writer(fileno(file));
  absl::string_view lines = "first\nsecond\n";
  ASSERT_EQ(allow(8), 0);
  const absl::Status status = writer.Write(&lines);
  ASSERT_EQ(allow(limit.rlim_cur), 0);
  EXPECT_THAT(status, Not(IsOk()));
  EXPECT_EQ(lines, "cond\n");

  SLUICE_EXPECT_OK(writer.Write(&lines));
  char buffer[100] = {};
  EXPECT_EQ(pread(fileno(file), buffer, sizeof(buffer), 0), 13);
  EXPECT_EQ(absl::string_view(buffer), "first\nsecond\n");
  std::signal(SIGXFSZ, handler);
  std::fclose(file);
}

}  // namespace
}  // namespace sluice

#include "sluice/log/descriptor_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(DescriptorWriterTest, WritesLinesInOrder) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  DescriptorWriter writer(fileno(file));
  SLUICE_ASSERT_OK(writer.Write({"one\n", "", "two\n"}));
  SLUICE_ASSERT_OK(writer.Write({}));
  SLUICE_ASSERT_OK(writer.Flush());
  char buffer[100] = {};
  EXPECT_EQ(pread(fileno(file), buffer, sizeof(buffer), 0), 8);
  EXPECT_EQ(absl::string_view(buffer), "one\ntwo\n");
  std::fclose(file);
}

// A pipe that does not block holds 64 KiB: writes fall short, and would block.
TEST(DescriptorWriterTest, LosesNothingToShortWritesAndFullPipes) {
  int pipe[2];
  ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
  ASSERT_EQ(fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0);
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    texts.push_back(absl::StrCat("line ", i, std::string(i % 90, '.'), "\n"));
    expected += texts.back();
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
  const std::vector<absl::string_view> lines(texts.begin(), texts.end());
  SLUICE_EXPECT_OK(writer.Write(lines));
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
  EXPECT_THAT(writer.Write({"line\n"}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr(absl::StrCat("writev on descriptor ", fd))));
  close(fd);
}

}  // namespace
}  // namespace sluice

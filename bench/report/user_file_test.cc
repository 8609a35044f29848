#include "sluice/bench/report/user_file.h"

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class UserFileTest : public ::testing::Test {
 protected:
  UserFileTest() { std::filesystem::create_directory(folder_); }
  ~UserFileTest() override { std::filesystem::remove_all(folder_); }

  const std::string folder_ = ::testing::TempDir() + "/user_file_test";
};

TEST_F(UserFileTest, AWriteReplacesTheFile) {
  const std::string path = folder_ + "/file";
  SLUICE_EXPECT_OK(WriteFile(path, "first, longer"));
  SLUICE_EXPECT_OK(WriteFile(path, "second"));
  const auto contents = ReadFile(path);
  SLUICE_ASSERT_OK(contents);
  EXPECT_EQ(*contents, "second");
  // WriteFile() leaves nothing else in the folder.
  const std::filesystem::directory_iterator files(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(UserFileTest, AFileThatCannotBeReplacedIsUnchanged) {
  const std::string path = folder_ + "/file";
  SLUICE_EXPECT_OK(WriteFile(path, "first"));
  // A folder stands in the way of the temporary file.
  std::filesystem::create_directory(path + ".new");
  EXPECT_FALSE(WriteFile(path, "second").ok());
  EXPECT_EQ(ReadFile(path).value(), "first");
}

TEST_F(UserFileTest, ErrorsNameThePath) {
  EXPECT_THAT(ReadFile(folder_ + "/none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none")));
  EXPECT_THAT(WriteFile(folder_ + "/no/file", "text"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/file")));
}

TEST_F(UserFileTest, RelativePathsBeginInTheCallersFolder) {
  setenv("BUILD_WORKING_DIRECTORY", folder_.c_str(), 1);
  SLUICE_EXPECT_OK(WriteFile("file", "text"));
  unsetenv("BUILD_WORKING_DIRECTORY");
  const auto contents = ReadFile(folder_ + "/file");
  SLUICE_ASSERT_OK(contents);
  EXPECT_EQ(*contents, "text");
}

}  // namespace
}  // namespace sluice

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

// Of this package's runfiles, which the test starts in.
std::string Contents(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

// readme_server.cc is a target of its own: that it builds is the point.
TEST(ReadmeTest, ShowsTheServerThatBuilds) {
  const std::string server = Contents("tests/readme_server.cc");
  ASSERT_FALSE(server.empty());
  EXPECT_THAT(Contents("README.md"),
              ::testing::HasSubstr("```cpp\n" + server + "```\n"));
}

TEST(ReadmeTest, TheServerHasAtMostThirtyLines) {
  const std::string server = Contents("tests/readme_server.cc");
  EXPECT_LE(std::count(server.begin(), server.end(), '\n'), 30);
}

}  // namespace
}  // namespace sluice

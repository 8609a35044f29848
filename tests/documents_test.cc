// The programs that the documents show are files that are built and run.

#include <algorithm>
#include <fstream>
#include <ostream>
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

struct Shown {
  friend std::ostream& operator<<(std::ostream& os, const Shown& shown) {
    return os << shown.program << " in " << shown.document;
  }

  std::string document;
  std::string program;
  int max_lines;
};

class DocumentsTest : public ::testing::TestWithParam<Shown> {};

TEST_P(DocumentsTest, ShowTheProgramAsItIs) {
  const std::string program = Contents(GetParam().program);
  ASSERT_FALSE(program.empty());
  EXPECT_THAT(Contents(GetParam().document),
              ::testing::HasSubstr("```cpp\n" + program + "```\n"));
}

TEST_P(DocumentsTest, ShowNoMoreThanTheyPromise) {
  const std::string program = Contents(GetParam().program);
  EXPECT_LE(std::count(program.begin(), program.end(), '\n'),
            GetParam().max_lines);
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentsTest,
    ::testing::Values(Shown{.document = "README.md",
                            .program = "tests/readme_server.cc",
                            .max_lines = 30},
                      Shown{.document = "docs/testing.md",
                            .program = "tests/own_poller_test.cc",
                            .max_lines = 12}));

}  // namespace
}  // namespace sluice

// The programs that the documents show are files that are built and run.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <ostream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

// Reads a file of this package's runfiles, where the test starts.
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
  // Returns the text from there to the end.
  std::string Program() const {
    const std::string contents = Contents(program);
    const size_t start = contents.find(from);
    EXPECT_NE(start, contents.npos) << program << " lacks: " << from;
    return start == contents.npos ? "" : contents.substr(start);
  }

  std::string document;
  std::string program;
  std::string from = "";  // how what is shown begins; else it is all
  int max_lines;
};

class DocumentsTest : public ::testing::TestWithParam<Shown> {};

TEST_P(DocumentsTest, ShowTheProgramAsItIs) {
  const std::string program = GetParam().Program();
  ASSERT_FALSE(program.empty());
  EXPECT_THAT(Contents(GetParam().document),
              ::testing::HasSubstr("```cpp\n" + program + "```\n"));
}

TEST_P(DocumentsTest, ShowAtMostMaxLines) {
  const std::string program = GetParam().Program();
  EXPECT_LE(std::count(program.begin(), program.end(), '\n'),
            GetParam().max_lines);
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentsTest,
    ::testing::Values(Shown{.document = "README.md",
                            .program = "tests/readme_server.cc",
                            .max_lines = 30},
                      Shown{.document = "README.md",
                            .program = "tests/readme_sim_test.cc",
                            .from = "TEST(",
                            .max_lines = 20},
                      Shown{.document = "docs/testing.md",
                            .program = "tests/own_poller_test.cc",
                            .max_lines = 12}));

TEST(ReadmeTest, TestsTheServerThatItShows) {
  const std::string program = Contents("tests/readme_server.cc");
  const size_t start = program.find("// Answers each line");
  const size_t end = program.find("\n};\n", start);
  ASSERT_NE(end, program.npos);
  EXPECT_THAT(Contents("tests/readme_sim_test.cc"),
              ::testing::HasSubstr(program.substr(start, end + 4 - start)));
}

}  // namespace
}  // namespace sluice

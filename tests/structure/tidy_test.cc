#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/cpp_rules.h"
#include "sluice/tests/structure/source_tree.h"
#include "sluice/tests/structure/tree_rules.h"

namespace sluice {
namespace {

// The rules and their exemptions are in cpp_rules and tree_rules; the tests of
// these show that a violation is found.

TEST(TidyTest, CppFilesKeepTheRules) {
  const auto tree = ReadSourceTree();
  SLUICE_ASSERT_OK(tree);
  std::set<std::string> paths;
  for (const SourceFile& file : *tree) paths.insert(file.path);
  for (const SourceFile& file : *tree) {
    const size_t dot = file.path.rfind('.');
    const std::string suffix =
        dot == std::string::npos ? "" : file.path.substr(dot);
    if (suffix != ".h" && suffix != ".cc") continue;
    for (const std::string& error : CppErrors(file, paths)) {
      ADD_FAILURE() << error;
    }
  }
}

TEST(TidyTest, TheTreeKeepsTheRules) {
  const auto tree = ReadSourceTree();
  SLUICE_ASSERT_OK(tree);
  const auto targets = ParseBuildFiles(*tree);
  SLUICE_ASSERT_OK(targets);
  for (const std::string& error : TreeErrors(*tree, *targets)) {
    ADD_FAILURE() << error;
  }
}

// If the list of files were empty, the other tests would pass.
TEST(TidyTest, SeesTheWholeTree) {
  const auto tree = ReadSourceTree();
  SLUICE_ASSERT_OK(tree);
  std::set<std::string> paths;
  for (const SourceFile& file : *tree) paths.insert(file.path);
  for (const char* path :
       {".ci/run", ".clang-format", "BUILD.bazel", "README.md", "WORKSPACE",
        "apps/echo/server.cc", "base/check.h", "bazel/sluice.bzl",
        "docs/decisions/0001-bazelw-and-the-offline-build.md",
        "tests/structure/tidy_test.cc"}) {
    EXPECT_EQ(paths.count(path), 1u) << path;
  }
}

}  // namespace
}  // namespace sluice

#include "sluice/tests/structure/target_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/source_tree.h"
#include "sluice/tests/structure/target_graph.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(TargetTableTest, TheReadmeListsEachPublicTargetAndItsClosure) {
  const auto tree = ReadSourceTree();
  SLUICE_ASSERT_OK(tree);
  const auto targets = ParseBuildFiles(*tree);
  SLUICE_ASSERT_OK(targets);
  const auto readme = std::find_if(
      tree->begin(), tree->end(),
      [](const SourceFile& file) { return file.path == "README.md"; });
  ASSERT_NE(readme, tree->end());
  for (const std::string& error :
       TargetTableErrors(*readme, TargetGraph(*targets))) {
    ADD_FAILURE() << error;
  }
}

BuildTarget Public(const std::string& label,
                   const std::vector<std::string>& deps) {
  BuildTarget target;
  target.label = label;
  target.deps = deps;
  target.is_public = true;
  return target;
}

std::vector<std::string> Errors(const std::string& table) {
  BuildTarget hidden;
  hidden.label = "//net:hidden";
  const TargetGraph graph(
      {Public("//base:check", {"@com_google_absl//absl/base"}),
       Public("//base:version", {}),
       Public("//timer:wheel", {"//base:check", "@zlib//:zlib"}), hidden});
  return TargetTableErrors({"README.md", "# Sluice\n" + table}, graph);
}

constexpr char kCheck[] = "| `//base:check` | checks | thread-safe | absl |\n";
constexpr char kVersion[] = "| `//base:version` | its | value | nothing |\n";
constexpr char kWheel[] =
    "| `//timer:wheel` | it turns | loop-bound | base, absl, @zlib |\n";

TEST(TargetTableTest, ACompleteTableHasNoErrors) {
  EXPECT_THAT(
      Errors(std::string(kCheck) + kVersion + "| **x** | | |\n" + kWheel),
      IsEmpty());
}

TEST(TargetTableTest, PrintsTheRowOfAMissingTarget) {
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion),
              ElementsAre(HasSubstr("add, where its name belongs: | "
                                    "`//timer:wheel` | WHAT IT IS | THREADS | "
                                    "base, absl, @zlib |")));
}

TEST(TargetTableTest, PrintsTheRowOfAWrongClosure) {
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion +
                     "| `//timer:wheel` | it turns | value | base, absl |\n"),
              ElementsAre("README.md:4: the line must be: | `//timer:wheel` | "
                          "it turns | value | base, absl, @zlib |"));
}

TEST(TargetTableTest, RefusesDuplicateUnknownAndUnsortedRows) {
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion + kWheel + kWheel),
              ElementsAre("README.md:5: remove //timer:wheel: it is in the "
                          "table"));
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion + kWheel +
                     "| `//net:hidden` | x | value | nothing |\n" +
                     "| `//net:gone` | x | value | nothing |\n"),
              ElementsAre("README.md:5: remove //net:hidden: no public target",
                          "README.md:6: remove //net:gone: no public target"));
  EXPECT_THAT(Errors(std::string(kVersion) + kCheck + kWheel),
              ElementsAre("README.md:3: move //base:check before "
                          "//base:version"));
}

TEST(TargetTableTest, RefusesAnUnknownWordOnThreadsAndOtherCells) {
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion +
                     "| `//timer:wheel` | it | safe | base, absl, @zlib |\n"),
              ElementsAre(HasSubstr("README.md:4: \"safe\": write one of "
                                    "thread-safe, ")));
  EXPECT_THAT(Errors(std::string(kCheck) + kVersion + kWheel +
                     "| `//timer:wheel` | three cells | value |\n"),
              ElementsAre(HasSubstr("README.md:5: write four cells")));
}

}  // namespace
}  // namespace sluice

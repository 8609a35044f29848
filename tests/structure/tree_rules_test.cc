#include "sluice/tests/structure/tree_rules.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> Errors(const std::vector<SourceFile>& tree) {
  const auto targets = ParseBuildFiles(tree);
  SLUICE_EXPECT_OK(targets);
  return TreeErrors(tree, *targets);
}

TEST(TreeRulesTest, TargetsAreDeclaredByTheMacros) {
  EXPECT_THAT(Errors({{"a/BUILD.bazel", "\ncc_test(name = \"x\")\n"}}),
              ElementsAre("a/BUILD.bazel:2: macro: declare //a:x by "
                          "sluice_cc_test"));
  EXPECT_THAT(Errors({{"a/BUILD.bazel",
                       "sluice_cc_test(name = \"x\")\n"
                       "filegroup(name = \"y\")\n"}}),
              IsEmpty());
}

TEST(TreeRulesTest, NoProgramHasThePathOfAFolder) {
  const SourceFile file = {"a/x/BUILD.bazel", ""};
  EXPECT_THAT(
      Errors({{"a/BUILD.bazel", "sluice_cc_binary(name = \"x\")\n"}, file}),
      ElementsAre("a/BUILD.bazel:1: output: rename //a:x, or a/x, which has "
                  "the same path"));
  EXPECT_THAT(
      Errors({{"a/BUILD.bazel", "sluice_cc_library(name = \"x\")\n"}, file}),
      IsEmpty());
}

TEST(TreeRulesTest, EachCppFileIsInOneTarget) {
  const SourceFile build = {"a/BUILD.bazel",
                            "sluice_cc_library(name = \"x\", "
                            "srcs = [\"x.cc\", \"y.cc\"], hdrs = [\"x.h\"])\n"
                            "sluice_cc_binary(name = \"z\", "
                            "srcs = [\"y.cc\"])\n"};
  EXPECT_THAT(
      Errors({build, {"a/x.cc", ""}, {"a/x.h", ""}, {"a/README.md", ""}}),
      IsEmpty());
  EXPECT_THAT(Errors({build, {"a/w.h", ""}, {"b/x.cc", ""}, {"a/y.cc", ""}}),
              ElementsAre("a/w.h:1: orphan: add it to a target in "
                          "a/BUILD.bazel, or remove it",
                          "b/x.cc:1: orphan: add it to a target in "
                          "b/BUILD.bazel, or remove it",
                          "a/y.cc:1: orphan: leave it to one of //a:x, //a:z"));
}

TEST(TreeRulesTest, AHeaderHasATargetOfItsName) {
  EXPECT_THAT(Errors({{"a/BUILD.bazel",
                       "sluice_cc_library(\n    name = \"x\",\n"
                       "    hdrs = [\"x.h\", \"y.h\", \"a_x.h\"],\n)\n"}}),
              ElementsAre(StartsWith("a/BUILD.bazel:2: header: give a/y.h a "
                                     "target of its own, named y"),
                          StartsWith("a/BUILD.bazel:2: header: give a/a_x.h a "
                                     "target of its own, named a_x")));
}

TEST(TreeRulesTest, ATodoNamesItsOwnerAndItsTask) {
  const SourceFile build = {
      "a/BUILD.bazel", "sluice_cc_library(name = \"x\", srcs = [\"x.cc\"])\n"};
  const auto errors = [&](const std::string& line) {
    return Errors({build, {"a/x.cc", "\n" + line + "\n"}});
  };
  for (const char* line : {"// TODO", "// TODO: later", "/* TODO(me) */",
                           "// TODO(me):", "// TODO(): later", "// A TODO."}) {
    EXPECT_THAT(errors(line),
                ElementsAre("a/x.cc:2: todo: write TODO(name): what, or do it"))
        << line;
  }
  for (const char* line :
       {"// TODO(me): later", "Log(\"TODO\");", "// of `TODO`", "int TODO;"}) {
    EXPECT_THAT(errors(line), IsEmpty()) << line;
  }
  EXPECT_THAT(Errors({{"a/BUILD.bazel", "# TODO\n"}}),
              ElementsAre(StartsWith("a/BUILD.bazel:1: todo: ")));
}

TEST(TreeRulesTest, NoTabsAndNoBlanksAtTheEnd) {
  EXPECT_THAT(Errors({{"x.md", "a\nb \n\tc\nd\r\n"}}),
              ElementsAre("x.md:2: blanks: remove those at the line's end",
                          "x.md:3: blanks: write spaces for the tab",
                          "x.md:4: blanks: remove those at the line's end"));
  EXPECT_THAT(Errors({{"a/b_fuzz_corpus/0a1b", "a \n\tTODO\r\n"}}), IsEmpty());
}

TEST(TreeRulesTest, DecisionsAreNumberedWithoutAGap) {
  EXPECT_THAT(Errors({{"docs/decisions/0001-a.md", ""},
                      {"docs/decisions/0002-b-c.md", ""}}),
              IsEmpty());
  EXPECT_THAT(Errors({{"docs/decisions/0001-a.md", ""},
                      {"docs/decisions/0003-b.md", ""}}),
              ElementsAre("docs/decisions/0003-b.md:1: decisions: the name of "
                          "this one must be 0002-title.md"));
  EXPECT_THAT(Errors({{"docs/decisions/0001-a.md", ""},
                      {"docs/decisions/0001-b.md", ""}}),
              ElementsAre(HasSubstr("0002-title.md")));
  EXPECT_THAT(Errors({{"docs/decisions/0001-.md", ""}}),
              ElementsAre(HasSubstr("0001-title.md")));
  EXPECT_THAT(Errors({{"docs/decisions/0001-a.txt", ""}}),
              ElementsAre(HasSubstr("0001-title.md")));
}

TEST(TreeRulesTest, LinksLeadSomewhere) {
  const SourceFile to = {"docs/decisions/0001-a.md", ""};
  const auto errors = [&](const std::string& text) {
    return Errors({to, {"docs/x.md", text}});
  };
  EXPECT_THAT(
      errors("[a](decisions/0001-a.md) [b](decisions) [c](./x.md#there)\n"
             "[d](../docs/x.md) [e](https://example.com/x) [f](#here)\n"
             "[g](../examples/downstream/README.md) `[h](nowhere)`\n"
             "```\n[i](nowhere)\n```\n"),
      IsEmpty());
  EXPECT_THAT(errors("[a](x.md) [b](nowhere.md) [c](gone#x)\n\n```\n```\n"
                     "`[a](b)` [d](../../x.md)\n"),
              ElementsAre("docs/x.md:1: link: there is no docs/nowhere.md",
                          "docs/x.md:1: link: there is no docs/gone",
                          "docs/x.md:5: link: there is no .."));
}

}  // namespace
}  // namespace sluice

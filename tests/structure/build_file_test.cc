#include "sluice/tests/structure/build_file.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(BuildFileTest, ReadsTheAttributesOfATarget) {
  const auto targets = ParseBuildFile({"net/BUILD.bazel", R"("""What for.

At length.
"""

load("//bazel:sluice.bzl", "sluice_cc_library")

package(default_visibility = ["//visibility:private"])

# A comment with a "quote.
sluice_cc_library(
    name = "test_peer",
    testonly = True,
    srcs = ["test_peer.cc"],
    hdrs = ["test_peer.h"],
    visibility = [
        "//visibility:public",
    ],
    env = {
        "SECONDS": "30",
        "NOTHING": "",
    },
    deps = [
        ":stream",
        "//base:check",
        "//timer",
        "@com_google_absl//absl/status",
        "@zlib",
    ],
)

sluice_cc_test(
    name = "x_test",
)
)"});
  SLUICE_ASSERT_OK(targets);
  ASSERT_EQ(targets->size(), 2u);
  const BuildTarget& peer = (*targets)[0];
  EXPECT_EQ(peer.label, "//net:test_peer");
  EXPECT_EQ(peer.file, "net/BUILD.bazel");
  EXPECT_EQ(peer.line, 12);
  EXPECT_EQ(peer.rule, "sluice_cc_library");
  EXPECT_TRUE(peer.testonly);
  EXPECT_TRUE(peer.is_public);
  EXPECT_THAT(peer.srcs, ElementsAre("net/test_peer.cc"));
  EXPECT_THAT(peer.hdrs, ElementsAre("net/test_peer.h"));
  EXPECT_THAT(peer.deps,
              ElementsAre("//net:stream", "//base:check", "//timer:timer",
                          "@com_google_absl//absl/status", "@zlib//:zlib"));
  const BuildTarget& test = (*targets)[1];
  EXPECT_EQ(test.label, "//net:x_test");
  EXPECT_FALSE(test.testonly);
  EXPECT_FALSE(test.is_public);
  EXPECT_THAT(test.deps, IsEmpty());
}

TEST(BuildFileTest, TheTopPackageHasNoName) {
  const auto targets = ParseBuildFile(
      {"BUILD.bazel", R"(filegroup(name = "sources", srcs = glob(["*"])))"});
  SLUICE_ASSERT_OK(targets);
  ASSERT_EQ(targets->size(), 1u);
  EXPECT_EQ((*targets)[0].label, "//:sources");
  EXPECT_EQ(PackageOf("//:sources"), "");
  EXPECT_EQ(PackageOf("//net/http:server"), "net/http");
}

TEST(BuildFileTest, RefusesTextThatItCannotParse) {
  const struct {
    std::string text;
    std::string error;
  } cases[] = {
      {"x(\n  deps = A + B)", "BUILD.bazel:2: '+' is more"},
      {"x(a = {\"b\": [\"c\"]})", "'[' where s was expected"},
      {"X = 1", "'=' where ( was expected"},
      {"x(name = \"a", "a string that does not end"},
      {"x(name = \"a\nb\")", "a string that does not end"},
      {"x(\"a\" \"b\")", "'b' where , was expected"},
      {"x([y])", "'y' where s was expected"},
      {"x(", "'the end of the file' where a word was expected"},
      {"x(name = y)", "the name is no string"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(
        ParseBuildFile({"BUILD.bazel", c.text}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.error)))
        << c.text;
  }
}

TEST(BuildFileTest, RefusesAttributesThatCouldHideDependencies) {
  EXPECT_THAT(ParseBuildFile({"net/BUILD.bazel",
                              "sluice_cc_library(\n    name = \"x\",\n    "
                              "implementation_deps = [\"//base:check\"],\n)"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("net/BUILD.bazel:3: //net:x: add "
                                 "implementation_deps to the attributes")));
  EXPECT_THAT(ParseBuildFile({"net/BUILD.bazel",
                              "sluice_cc_library(\n    name = \"x\",\n    "
                              "deps = select([\"//base:check\"]),\n)"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("net/BUILD.bazel:3: //net:x: write deps as a "
                                 "plain list")));
}

TEST(BuildFileTest, ReadsOnlyTheBuildFilesOfATree) {
  const auto targets = ParseBuildFiles({{"a/BUILD.bazel", "x(name = \"a\")"},
                                        {"a/a.cc", "int a;"},
                                        {"b/BUILD", "x(name = \"b\")"},
                                        {"b/NOBUILD.bazel", "{"}});
  SLUICE_ASSERT_OK(targets);
  ASSERT_EQ(targets->size(), 2u);
  EXPECT_EQ((*targets)[0].label, "//a:a");
  EXPECT_EQ((*targets)[1].label, "//b:b");
}

}  // namespace
}  // namespace sluice

#include "sluice/tests/structure/layering.h"

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
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LayeringTest, TheTreeKeepsItsLayers) {
  const auto tree = ReadSourceTree();
  SLUICE_ASSERT_OK(tree);
  const auto targets = ParseBuildFiles(*tree);
  SLUICE_ASSERT_OK(targets);
  ASSERT_GT(targets->size(), 100u);
  for (const std::string& error : LayeringErrors(*targets)) {
    ADD_FAILURE() << error;
  }
}

// Returns the errors of one target `label`; `attributes` are its other lines.
std::vector<std::string> Errors(const std::string& package,
                                const std::string& attributes,
                                const std::string& rule = "sluice_cc_library") {
  const auto targets = ParseBuildFile(
      {package + "/BUILD.bazel",
       rule + "(\n    name = \"added\",\n    " + attributes + ",\n)\n"});
  SLUICE_EXPECT_OK(targets);
  return LayeringErrors(*targets);
}

TEST(LayeringTest, ReportsTargetDependencyAndRule) {
  EXPECT_THAT(
      Errors("timer", R"(deps = ["//base:check", "//event/poller:poller"])"),
      ElementsAre(
          "timer/BUILD.bazel:2: //timer:added depends on "
          "//event/poller:poller: timer stands on base and nothing else"));
}

TEST(LayeringTest, EachLayerDependsOnlyOnLayersBelow) {
  const std::vector<std::string> layers = {
      "base", "timer",        "threadpool",    "event/poller", "event",
      "net",  "net/socket",   "net/transport", "net/tcp",      "net/sim",
      "log",  "log/internal", "log/glog",
  };
  // The line of each layer; a mark where it may depend on the column's.
  const std::vector<std::string> may = {
      "x            ",  // base
      "xx           ",  // timer
      "xxx          ",  // threadpool
      "xx x         ",  // event/poller
      "xx xx        ",  // event
      "xx xxx       ",  // net
      "xx xxxx      ",  // net/socket
      "xx xxxxx     ",  // net/transport
      "xx xxxxxx    ",  // net/tcp
      "xx xxxxxxx   ",  // net/sim
      "xx        xx ",  // log
      "xx        xx ",  // log/internal
      "xx        xxx",  // log/glog
  };
  for (size_t from = 0; from < layers.size(); ++from) {
    for (size_t to = 0; to < layers.size(); ++to) {
      EXPECT_EQ(
          Errors(layers[from], "deps = [\"//" + layers[to] + ":x\"]").empty(),
          may[from][to] == 'x')
          << layers[from] << " on " << layers[to];
    }
    for (const char* top : {"apps/echo", "tests", "bench"}) {
      EXPECT_THAT(Errors(top, "deps = [\"//" + layers[from] + ":x\"]"),
                  IsEmpty());
      EXPECT_EQ(
          Errors(layers[from], std::string("deps = [\"//") + top + ":x\"]")
              .size(),
          1u);
    }
  }
}

TEST(LayeringTest, AnyTestMayUseTheHelpersOfTests) {
  const std::string deps = R"(deps = ["//base/testing:test_seed"])";
  EXPECT_THAT(Errors("base", deps, "sluice_cc_test"), IsEmpty());
  EXPECT_THAT(Errors("net/tcp", deps + ", testonly = True"), IsEmpty());
  EXPECT_EQ(Errors("base", deps).size(), 1u);
}

TEST(LayeringTest, AppsCommonDependsOnNoApp) {
  for (const std::string common : {"apps/common", "apps/common/load"}) {
    EXPECT_THAT(Errors(common, R"(deps = ["//apps/echo:x"])"),
                ElementsAre(common + "/BUILD.bazel:2: //" + common +
                            ":added depends on //apps/echo:x: apps depend "
                            "on apps/common, not apps/common on apps"));
    EXPECT_THAT(Errors("apps/echo", "deps = [\"//" + common + ":x\"]"),
                IsEmpty());
    EXPECT_THAT(Errors(common, R"(deps = ["//net:stream"])"), IsEmpty());
  }
  EXPECT_THAT(Errors("apps/common", R"(deps = ["//apps/common/load:x"])"),
              IsEmpty());
}

TEST(LayeringTest, TestsKeepTheLayersToo) {
  EXPECT_EQ(
      Errors("event", R"(deps = ["//net:stream"])", "sluice_cc_test").size(),
      1u);
}

TEST(LayeringTest, ANewPackageNeedsALayer) {
  EXPECT_THAT(Errors("dns", R"(deps = ["//base:check"])"),
              ElementsAre("dns/BUILD.bazel:2: //dns:added depends on "
                          "//base:check: give dns a layer in "
                          "tests/structure/layering.cc"));
}

TEST(LayeringTest, OnlyAppsTheBridgeAndComparisonsLinkGlogAndGflags) {
  for (const std::string dep : {"@com_github_google_glog//:glog",
                                "@com_github_gflags_gflags//:gflags"}) {
    const std::string deps = "deps = [\"" + dep + "\"]";
    for (const std::string package : {"base", "bench", "log", "net", "tests"}) {
      EXPECT_THAT(Errors(package, deps),
                  ElementsAre(package + "/BUILD.bazel:2: //" + package +
                              ":added depends on " + dep +
                              ": only apps, //log/glog and testonly "
                              "targets of bench may"));
    }
    EXPECT_THAT(Errors("apps/echo", deps), IsEmpty());
    EXPECT_THAT(Errors("bench", "testonly = True,\n    " + deps), IsEmpty());
    EXPECT_THAT(Errors("tests", "testonly = True,\n    " + deps), SizeIs(1));
    for (const std::string bridge :
         {"//log/glog:glog_bridge", "//log/glog:glog_bridge_test"}) {
      EXPECT_THAT(LayeringErrors({{bridge,
                                   "log/BUILD.bazel",
                                   1,
                                   "sluice_cc_library",
                                   false,
                                   true,
                                   {},
                                   {},
                                   {dep}}}),
                  IsEmpty());
    }
  }
}

TEST(LayeringTest, OnlyAppsHaveFlags) {
  const std::string deps = R"(deps = ["@com_google_absl//absl/flags:flag"])";
  EXPECT_EQ(Errors("net", deps).size(), 1u);
  EXPECT_THAT(Errors("apps/echo", deps), IsEmpty());
}

TEST(LayeringTest, OnlyTestonlyTargetsLinkTestLibraries) {
  for (const std::string dep : {"@com_google_googletest//:gtest",
                                "@com_github_google_benchmark//:benchmark"}) {
    const std::string deps = "deps = [\"" + dep + "\"]";
    EXPECT_EQ(Errors("base", deps).size(), 1u);
    EXPECT_THAT(Errors("base", deps + ", testonly = True"), IsEmpty());
    EXPECT_THAT(Errors("base", deps, "sluice_cc_test"), IsEmpty());
    EXPECT_THAT(Errors("base", deps, "sluice_cc_benchmark"), IsEmpty());
  }
}

TEST(LayeringTest, OnlyTestsLinkZlib) {
  const std::string deps = R"(deps = ["@zlib//:zlib"])";
  EXPECT_THAT(Errors("tests", deps), IsEmpty());
  EXPECT_EQ(Errors("net", deps).size(), 1u);
}

TEST(LayeringTest, AnUnknownRepositoryIsRefused) {
  EXPECT_EQ(Errors("apps/echo", R"(deps = ["@boringssl//:ssl"])").size(), 1u);
}

}  // namespace
}  // namespace sluice

// Tests in which workspace bazelw runs Bazel. In this test Bazel is a script
// that prints the folder in which it runs.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

// A test with a temporary folder that is in no workspace. The folders of the
// test itself are in one.
class BazelwTest : public ::testing::Test {
 protected:
  BazelwTest() {
    char path[] = "/tmp/bazelw_test.XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    top_ = std::filesystem::canonical(path);
    // The script copies files because bazelw follows links to find its
    // checkout. bazelw looks for a folder of this name under XDG_CACHE_HOME.
    Run(absl::StrCat(
        "mkdir -p ", top_, "/sluice/bazel ", top_, "/sluice/event\n",
        "cp -L bazelw MODULE.bazel ", top_, "/sluice\n",
        "cp -L bazel/deps.bzl bazel/system_library.bzl ", top_,
        "/sluice/bazel\n", "cd ", top_, "\n", "touch sluice/WORKSPACE\n",
        "printf '#!/bin/sh\\npwd -P\\n' >fake_bazel\n", "chmod +x fake_bazel\n",
        "key=$(cat sluice/bazelw sluice/MODULE.bazel sluice/bazel/deps.bzl "
        "sluice/bazel/system_library.bzl | sha256sum | cut -c 1-16)\n",
        "mkdir -p cache/sluice/bazelw-$key\n", "echo ", top_,
        "/fake_bazel >cache/sluice/bazelw-$key/bazel\n",
        "touch cache/sluice/bazelw-$key/modules\n"));
  }
  ~BazelwTest() override { std::filesystem::remove_all(top_); }

  // Runs a shell script that must succeed. Returns the output of the script.
  std::string Run(const std::string& script) {
    auto process = Process::Start(
        "/bin/sh",
        {.arguments = {"-ec", script},
         .environment = {absl::StrCat("XDG_CACHE_HOME=", top_, "/cache")}});
    SLUICE_EXPECT_OK(process);
    if (!process.ok()) return "";
    const auto ended = (*process)->Wait(absl::Seconds(30));
    SLUICE_EXPECT_OK(ended);
    if (!ended.ok()) return "";
    EXPECT_EQ(ended->exit_code, 0) << ended->error;
    return ended->output;
  }
  // Returns the folder in which Bazel runs if bazelw is called in `folder`.
  std::string RunsIn(absl::string_view folder) {
    const std::string output = Run(absl::StrCat(
        "cd ", top_, "/", folder, "\n", top_, "/sluice/bazelw build //...\n"));
    return output.substr(top_.size() < output.size() ? top_.size() + 1 : 0);
  }

  std::string top_;
};

TEST_F(BazelwTest, RunsInAnyFolderOfItsOwnCheckout) {
  EXPECT_EQ(RunsIn("sluice"), "sluice\n");
  EXPECT_EQ(RunsIn("sluice/event"), "sluice/event\n");
}

TEST_F(BazelwTest, RunsInTheWorkspaceOfTheCaller) {
  for (const char* file : {"WORKSPACE", "WORKSPACE.bazel", "MODULE.bazel"}) {
    SCOPED_TRACE(file);
    Run(absl::StrCat("cd ", top_, "\nrm -rf other\nmkdir -p other/a/b\n",
                     "touch other/", file));
    EXPECT_EQ(RunsIn("other"), "other\n");
    EXPECT_EQ(RunsIn("other/a/b"), "other/a/b\n");
  }
}

// Such a Bazel would silently use the next workspace further up.
TEST_F(BazelwTest, RefusesAModuleIfBazelIsTooOldForIt) {
  EXPECT_EQ(Run(absl::StrCat(
                "cd ", top_, "\nrm cache/sluice/bazelw-*/modules\n",
                "mkdir sluice/module\ntouch sluice/module/MODULE.bazel\n",
                "cd sluice/module\n",
                "../bazelw build //... 2>&1 | sed 's,^.*MODULE,MODULE,'\n")),
            absl::StrCat("MODULE.bazel and no WORKSPACE: that needs Bazel 7 or "
                         "later, and ",
                         top_, "/fake_bazel is older\n"));
  EXPECT_EQ(RunsIn("sluice"), "sluice\n");
}

TEST_F(BazelwTest, RunsInItsOwnCheckoutIfTheCallerIsInNoWorkspace) {
  // A folder with the name WORKSPACE does not make a workspace.
  Run(absl::StrCat("mkdir -p ", top_, "/elsewhere/WORKSPACE"));
  EXPECT_EQ(RunsIn("elsewhere"), "sluice\n");
}

}  // namespace
}  // namespace sluice

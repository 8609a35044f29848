// Tests tools/release on a small git repository, which has Sluice's own version
// files.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/version.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReleaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (TryToRun("git --version").exit_code != 0) {
      GTEST_SKIP() << "git is not installed";
    }
    char path[] = "/tmp/release_test.XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    top_ = std::filesystem::canonical(path);
    // The script copies files because tools/release follows links to find its
    // checkout.
    Run(absl::StrCat("mkdir ", top_, "/sluice\n",
                     "cp -L --parents .bcr/*.json MODULE.bazel base/version.h "
                     "tools/release ",
                     top_, "/sluice\n"));
    RunInCheckout(
        "echo 'int main() {}' >main.cc\n"
        "git init -q\n"
        "git config user.name x\n"
        "git config user.email x@example.com\n");
    WriteChangelog(absl::StrCat("## ", kVersion, " (2026-01-02)"));
  }
  ~ReleaseTest() override {
    if (!top_.empty()) std::filesystem::remove_all(top_);
  }

  // Runs a shell script in the folder of the test's runfiles.
  Process::Ended TryToRun(const std::string& script) {
    auto process = Process::Start(
        "/bin/sh", {.arguments = {"-ec", script},
                    .environment = {absl::StrCat("HOME=", top_)}});
    SLUICE_EXPECT_OK(process);
    if (!process.ok()) return {};
    const auto ended = (*process)->Wait(absl::Seconds(30));
    SLUICE_EXPECT_OK(ended);
    return ended.ok() ? *ended : Process::Ended();
  }
  // Runs a shell script that must succeed. Returns the output of the script.
  std::string Run(const std::string& script) {
    const Process::Ended ended = TryToRun(script);
    EXPECT_EQ(ended.exit_code, 0) << ended.error;
    return ended.output;
  }
  std::string RunInCheckout(absl::string_view script) {
    return Run(absl::StrCat("cd ", top_, "/sluice\n", script));
  }

  // Commits a changelog whose newest heading is `heading`.
  void WriteChangelog(absl::string_view heading) {
    RunInCheckout(absl::StrCat("printf '# Changelog\\n\\n", heading,
                               "\\n\\n## 0.0.1 (2020-01-01)\\n' >CHANGELOG.md\n"
                               "git add -A\n"
                               "git commit -q -m x\n"));
  }

  // Makes a release in the folder `out`. Returns what tools/release prints.
  std::string Release(absl::string_view out) {
    return RunInCheckout(absl::StrCat("tools/release ", kVersion, " ../", out));
  }

  // Returns the error with which tools/release refuses the version that the
  // checkout has. A refused release writes nothing.
  std::string Refusal() {
    const Process::Ended ended = TryToRun(absl::StrCat(
        "cd ", top_, "/sluice\n", "tools/release ", kVersion, " ../refused\n"));
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.output, "");
    EXPECT_FALSE(std::filesystem::exists(top_ + "/refused"));
    return ended.error;
  }

  std::string top_;
};

TEST_F(ReleaseTest, TwoRunsMakeTheSameBytesWhateverTheSettings) {
  Release("first");
  RunInCheckout(
      "git config core.autocrlf true\n"
      "git config tar.umask 0077\n"
      "echo '*.cc export-ignore' >../attributes\n"
      "git config core.attributesFile ../attributes\n"
      "touch main.cc\n");
  RunInCheckout(absl::StrCat("umask 077\nTZ=Asia/Tokyo tools/release ",
                             kVersion, " ../second\n"));
  Run(absl::StrCat("diff -r ", top_, "/first ", top_, "/second\n"));
}

TEST_F(ReleaseTest, TheArchiveHasEachFileOfTheCommitUnderItsPrefix) {
  Release("out");
  EXPECT_EQ(
      RunInCheckout(absl::StrCat("tar -tzf ../out/sluice-", kVersion,
                                 ".tar.gz | grep -v '/$' | LC_ALL=C sort")),
      RunInCheckout(absl::StrCat("git ls-files | sed 's,^,sluice-", kVersion,
                                 "/,' | LC_ALL=C sort")));
}

TEST_F(ReleaseTest, PrintsTheDigestOfTheTarFile) {
  const std::string digest = RunInCheckout(
      "git archive --prefix=sluice-$(sed -n 's/.*\"\\(.*\\)\";/"
      "\\1/p' base/version.h)/ HEAD | sha256sum | cut -c 1-64");
  EXPECT_THAT(Release("out"), HasSubstr(absl::StrCat("tar sha256  ", digest)));
}

TEST_F(ReleaseTest, TheTextsNameTheArchiveAndItsDigest) {
  RunInCheckout(
      "sed -i 's,\"github:.*\",\"github:someone/river\",' "
      ".bcr/metadata.template.json\n"
      "git commit -q -a -m x\n");
  const std::string printed = Release("out");
  const std::string archive = absl::StrCat("sluice-", kVersion, ".tar.gz");
  const std::string sha256 = RunInCheckout(absl::StrCat(
      "sha256sum <../out/", archive, " | cut -c 1-64 | tr -d '\\n'"));
  // base64 decodes what tools/release encodes.
  const std::string integrity = RunInCheckout(
      "sed -n 's/.*\"integrity\": \"\\(.*\\)\".*/\\1/p' ../out/source.json | "
      "tr -d '\\n'");
  EXPECT_EQ(Run(absl::StrCat("echo ", integrity,
                             " | sed s/^sha256-// | base64 -d | "
                             "od -An -v -tx1 | tr -d ' \\n'")),
            sha256);
  EXPECT_THAT(printed, HasSubstr(absl::StrCat("integrity   ", integrity)));
  EXPECT_THAT(printed, Not(HasSubstr("placeholder")));

  const std::string url =
      absl::StrCat("https://github.com/someone/river/releases/download/v",
                   kVersion, "/", archive);
  EXPECT_EQ(RunInCheckout("cat ../out/source.json"),
            absl::StrCat("{\n  \"integrity\": \"", integrity,
                         "\",\n  \"strip_prefix\": \"sluice-", kVersion,
                         "\",\n  \"url\": \"", url, "\"\n}\n"));
  EXPECT_THAT(
      RunInCheckout("cat ../out/WORKSPACE.snippet"),
      HasSubstr(absl::StrCat("    sha256 = \"", sha256,
                             "\",\n    strip_prefix = \"sluice-", kVersion,
                             "\",\n    urls = [\"", url, "\"],\n")));
}

TEST_F(ReleaseTest, SaysThatTheAddressIsAPlaceholder) {
  RunInCheckout(
      "sed -i 's,\"github:.*\",\"github:OWNER/sluice\",' "
      ".bcr/metadata.template.json\n"
      "git commit -q -a -m x || true\n");
  EXPECT_THAT(Release("out"), HasSubstr("is a placeholder"));
}

TEST_F(ReleaseTest, RefusesToReplaceAnArchive) {
  Release("out");
  const Process::Ended ended = TryToRun(absl::StrCat(
      "cd ", top_, "/sluice\ntools/release ", kVersion, " ../out\n"));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.error, HasSubstr(".tar.gz exists: give another folder"));
}

TEST_F(ReleaseTest, RefusesAFolderInTheCheckout) {
  const Process::Ended ended = TryToRun(absl::StrCat(
      "cd ", top_, "/sluice\ntools/release ", kVersion, " release\n"));
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.error, HasSubstr("sluice/release is in the checkout"));
}

TEST_F(ReleaseTest, RefusesAttributesOfGitThatWouldChangeTheArchive) {
  RunInCheckout("echo 'main.cc export-ignore' >.git/info/attributes\n");
  EXPECT_THAT(Refusal(), HasSubstr("attributes would change the archive"));
}

TEST_F(ReleaseTest, RefusesATreeWithChanges) {
  RunInCheckout("echo >new.cc\n");
  EXPECT_THAT(Refusal(), HasSubstr("the tree has changes, commit or remove "
                                   "them:\n?? new.cc"));
  RunInCheckout("rm new.cc\necho >>main.cc\n");
  EXPECT_THAT(Refusal(), HasSubstr("\n M main.cc"));
}

TEST_F(ReleaseTest, RefusesAVersionThatTheHeaderDoesNotHave) {
  RunInCheckout(absl::StrCat("sed -i s/", kVersion,
                             "/9.8.7/ base/version.h\ngit commit -qam x\n"));
  EXPECT_THAT(Refusal(), HasSubstr(absl::StrCat(
                             "base/version.h has version \"9.8.7\", not ",
                             kVersion, ": set kVersion")));
}

TEST_F(ReleaseTest, RefusesAVersionThatTheModuleDoesNotHave) {
  RunInCheckout(absl::StrCat("sed -i s/", kVersion,
                             "/9.8.7/ MODULE.bazel\ngit commit -qam x\n"));
  EXPECT_THAT(Refusal(),
              HasSubstr(absl::StrCat("MODULE.bazel has version \"9.8.7\", not ",
                                     kVersion, ": set version in module()")));
}

TEST_F(ReleaseTest, RefusesAChangelogWithoutADatedHeadingOfTheVersion) {
  for (const std::string& heading :
       {std::string("## Unreleased"), absl::StrCat("## ", kVersion),
        std::string("## 9.8.7 (2026-01-02)"),
        absl::StrCat("## ", kVersion, " (2026-99-99)")}) {
    WriteChangelog(heading);
    const std::string error = Refusal();
    EXPECT_THAT(error,
                HasSubstr(absl::StrCat("CHANGELOG.md is \"", heading,
                                       "\": make it \"## ", kVersion, " (")));
  }
}

TEST_F(ReleaseTest, RefusesAnArgumentThatIsNoVersion) {
  for (const char* argument : {"v1.2.3", "1.2", "''"}) {
    const Process::Ended ended =
        TryToRun(absl::StrCat(top_, "/sluice/tools/release ", argument, "\n"));
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.error, HasSubstr("is no version such as 1.2.3"));
  }
}

}  // namespace
}  // namespace sluice

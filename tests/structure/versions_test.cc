// Tests that a version or a name that stands in two files is the same in both.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/version.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;

class VersionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto tree = ReadSourceTree();
    SLUICE_ASSERT_OK(tree);
    for (const SourceFile& file : *tree) files_[file.path] = file.text;
  }

  // Returns the text of a file that must exist.
  const std::string& Text(const std::string& path) {
    EXPECT_EQ(files_.count(path), 1u) << path;
    return files_[path];
  }

  std::map<std::string, std::string> files_;
};

// Returns the arguments of each call of `function` that begins a line of a
// text of Starlark, as they are written. No string in the call has a
// parenthesis without its pair.
std::vector<std::string> Calls(const std::string& text,
                               absl::string_view function) {
  std::vector<std::string> calls;
  const std::string start = absl::StrCat(function, "(");
  for (size_t at = 0; (at = text.find(start, at)) != text.npos;) {
    size_t line = at;
    while (line > 0 && text[line - 1] == ' ') --line;
    at += start.size();
    if (line > 0 && text[line - 1] != '\n') continue;
    const size_t first = at;
    for (int depth = 1; at < text.size() && depth > 0; ++at) {
      if (text[at] == '(') ++depth;
      if (text[at] == ')') --depth;
    }
    calls.push_back(text.substr(first, at - first));
  }
  return calls;
}

// Returns the string that a call has for `argument`; "" if it has none.
std::string Argument(absl::string_view call, absl::string_view argument) {
  const std::string start = absl::StrCat(argument, " = \"");
  for (size_t at = 0; (at = call.find(start, at)) != call.npos;
       at += start.size()) {
    if (at > 0 && !absl::ascii_isspace(call[at - 1])) continue;  // repo_name
    const absl::string_view rest = call.substr(at + start.size());
    return std::string(rest.substr(0, rest.find('"')));
  }
  return "";
}

// Returns the versions of bazel_dep() by the names of modules.
std::map<std::string, std::string> ModuleVersions(const std::string& text) {
  std::map<std::string, std::string> versions;
  for (const std::string& call : Calls(text, "bazel_dep")) {
    versions[Argument(call, "name")] = Argument(call, "version");
  }
  return versions;
}

TEST_F(VersionsTest, TheModuleHasTheVersionOfTheHeader) {
  const auto modules = Calls(Text("MODULE.bazel"), "module");
  ASSERT_THAT(modules, SizeIs(1));
  EXPECT_EQ(Argument(modules[0], "version"), kVersion);
}

// A dependency of one world only fails this test.
TEST_F(VersionsTest, WorkspacesAndModulesHaveTheSameRepositories) {
  // Abseil and glog need these; as modules, they ask for them themselves.
  const std::set<std::string> only_workspaces = {"bazel_skylib",
                                                 "com_github_gflags_gflags"};
  // Without modules, Bazel has it.
  const std::set<std::string> only_modules = {"rules_cc"};

  std::set<std::string> of_workspaces = only_modules;
  for (const std::string& call : Calls(Text("bazel/deps.bzl"), "maybe")) {
    of_workspaces.insert(Argument(call, "name"));
  }
  std::set<std::string> of_modules = only_workspaces;
  for (const std::string& call : Calls(Text("MODULE.bazel"), "bazel_dep")) {
    const std::string repository = Argument(call, "repo_name");
    of_modules.insert(repository.empty() ? Argument(call, "name") : repository);
  }
  EXPECT_EQ(of_workspaces, of_modules)
      << "bazel/deps.bzl and MODULE.bazel: add what is missing in one of them";
  EXPECT_EQ(of_modules.count("com_google_absl"), 1u);
}

TEST_F(VersionsTest, EachRepositoryHasARowInTheDocuments) {
  const auto repositories = Calls(Text("bazel/deps.bzl"), "maybe");
  EXPECT_THAT(repositories, Not(SizeIs(0)));
  for (const std::string& call : repositories) {
    const std::string row = absl::StrCat("| `@", Argument(call, "name"), "` |");
    EXPECT_THAT(Text("docs/dependencies.md"), HasSubstr(row));
    EXPECT_THAT(Text("THIRD_PARTY_NOTICES.md"), HasSubstr(row));
  }
}

TEST_F(VersionsTest, ExamplesAskForTheModulesThatSluiceAsksFor) {
  const auto ours = ModuleVersions(Text("MODULE.bazel"));
  for (const auto& [path, text] : files_) {
    if (!absl::StartsWith(path, "examples/") ||
        !absl::EndsWith(path, "/MODULE.bazel")) {
      continue;
    }
    for (const auto& [name, version] : ModuleVersions(text)) {
      const auto it = ours.find(name);
      if (it == ours.end()) continue;
      // The example of a user with a newer Abseil.
      if (absl::StartsWith(path, "examples/newer_abseil/") &&
          name == "abseil-cpp") {
        EXPECT_GT(version, it->second) << path;
      } else {
        EXPECT_EQ(version, it->second) << name << " in " << path;
      }
    }
  }
}

TEST_F(VersionsTest, ExamplesPinTheArchivesThatSluicePins) {
  std::map<std::string, std::string> ours;
  for (const std::string& call : Calls(Text("bazel/deps.bzl"), "maybe")) {
    ours[Argument(call, "name")] = Argument(call, "sha256");
  }
  int pins = 0;
  for (const std::string& call :
       Calls(Text("examples/downstream/WORKSPACE"), "http_archive")) {
    ++pins;
    EXPECT_EQ(Argument(call, "sha256"), ours[Argument(call, "name")]) << call;
  }
  EXPECT_GT(pins, 0);
}

// Returns the version in the name of the folder that an archive has.
std::string ArchiveVersion(const std::string& deps, absl::string_view name) {
  for (const std::string& call : Calls(deps, "maybe")) {
    if (Argument(call, "name") != name) continue;
    const std::string folder = Argument(call, "strip_prefix");
    return folder.substr(folder.rfind('-') + 1);
  }
  return "";
}

TEST_F(VersionsTest, TextsNameTheVersionsOfTheLibraries) {
  const std::string& deps = Text("bazel/deps.bzl");
  const std::string& docs = Text("docs/bazel.md");
  EXPECT_THAT(docs, HasSubstr(absl::StrCat(
                        "| ", ArchiveVersion(deps, "com_google_absl"), " |")));
  EXPECT_THAT(
      docs,
      HasSubstr(absl::StrCat(
          "gflags ", ArchiveVersion(deps, "com_github_gflags_gflags"), " ")));
  const std::string glog = absl::StrCat(
      "glog ",
      absl::StripSuffix(ArchiveVersion(deps, "com_github_google_glog"), ".0"));
  EXPECT_THAT(docs, HasSubstr(absl::StrCat("## ", glog, " and ")));
  EXPECT_THAT(Text("bench/loggers.cc"),
              HasSubstr(absl::StrCat("\"", glog, "\"")));

  const std::string absl = ModuleVersions(Text("MODULE.bazel"))["abseil-cpp"];
  EXPECT_THAT(
      Text("README.md"),
      HasSubstr(absl::StrCat("\"abseil-cpp\", version = \"", absl, "\"")));
  const std::string module = ModuleVersions(Text("MODULE.bazel"))["glog"];
  EXPECT_THAT(docs,
              HasSubstr(absl::StrCat("asks for glog ",
                                     module.substr(0, module.find(".bcr")))));
  const std::string newer =
      ModuleVersions(Text("examples/newer_abseil/MODULE.bazel"))["abseil-cpp"];
  EXPECT_THAT(Text("examples/newer_abseil/newer_abseil_test.cc"),
              HasSubstr(absl::StrCat("ABSL_LTS_RELEASE_VERSION >= ",
                                     newer.substr(0, newer.find('.')), ")")));
}

// clang-N, clang-format-N and clang-tidy-N belong to one release.
TEST_F(VersionsTest, TheToolsOfClangHaveOneVersion) {
  std::map<std::string, std::string> places;  // by the number
  for (const auto& [path, text] : files_) {
    for (const char* tool : {"clang-", "clang-format-", "clang-tidy-"}) {
      for (size_t at = 0; (at = text.find(tool, at)) != text.npos;) {
        at += absl::string_view(tool).size();
        size_t end = at;
        while (end < text.size() && absl::ascii_isdigit(text[end])) ++end;
        if (end > at) places[text.substr(at, end - at)] = path;
      }
    }
  }
  ASSERT_THAT(places, SizeIs(1));
  EXPECT_THAT(Text("docs/bazel.md"),
              HasSubstr(absl::StrCat("clang ", places.begin()->first)));
}

TEST_F(VersionsTest, TextsNameTheSameOldestTools) {
  const std::string& docs = Text("docs/bazel.md");
  const auto word_after = [&](absl::string_view start) {
    const size_t at = docs.find(start);
    EXPECT_NE(at, docs.npos) << start;
    const absl::string_view rest =
        absl::string_view(docs).substr(at + start.size());
    return std::string(rest.substr(0, rest.find(' ')));
  };
  const std::string gcc = word_after("and g++ ");
  for (const char* path : {"bazelw", ".bcr/presubmit.yml"}) {
    EXPECT_THAT(Text(path), HasSubstr(absl::StrCat("g++ ", gcc, " or later")));
  }
  const std::string bazel = word_after("you need Bazel ");
  for (const char* path : {"README.md", "CHANGELOG.md"}) {
    EXPECT_THAT(Text(path), HasSubstr(absl::StrCat("for Bazel ", bazel, ",")));
  }
  EXPECT_THAT(docs, HasSubstr(absl::StrCat("\n| ", bazel, ".")));
}

// Returns the labels that a list of .bcr/presubmit.yml has.
std::set<std::string> PresubmitLabels(absl::string_view text,
                                      absl::string_view list) {
  std::set<std::string> labels;
  const std::string start = absl::StrCat(list, ":\n");
  const std::string item = "- \"@sluice";
  const size_t at = text.find(start);
  if (at == text.npos) return labels;
  text.remove_prefix(at + start.size());
  while (true) {
    text = absl::StripLeadingAsciiWhitespace(text);
    if (!absl::StartsWith(text, item)) return labels;
    text.remove_prefix(item.size());
    labels.insert(std::string(text.substr(0, text.find('"'))));
    text.remove_prefix(text.find('\n'));
  }
}

// A wrong name would only be noticed after a release.
TEST_F(VersionsTest, TheRegistryBuildsPublicTargetsAndRunsTests) {
  std::vector<SourceFile> tree;
  for (const auto& [path, text] : files_) tree.push_back({path, text});
  const auto targets = ParseBuildFiles(tree);
  SLUICE_ASSERT_OK(targets);
  std::set<std::string> libraries;
  std::set<std::string> tests;
  for (const BuildTarget& target : *targets) {
    if (target.is_public) libraries.insert(target.label);
    if (target.rule == "sluice_cc_test") tests.insert(target.label);
  }
  const std::string& presubmit = Text(".bcr/presubmit.yml");
  const auto built = PresubmitLabels(presubmit, "build_targets");
  EXPECT_THAT(built, Not(SizeIs(0)));
  EXPECT_THAT(libraries, IsSupersetOf(built));
  const auto run = PresubmitLabels(presubmit, "test_targets");
  EXPECT_THAT(run, Not(SizeIs(0)));
  EXPECT_THAT(tests, IsSupersetOf(run));
}

}  // namespace
}  // namespace sluice

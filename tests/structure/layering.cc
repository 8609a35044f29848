#include "sluice/tests/structure/layering.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "sluice/tests/structure/build_file.h"

namespace sluice {
namespace {

// A package may depend on itself and on those in its line, in its tests too.
struct Layer {
  absl::string_view package;
  std::vector<std::string> below;
};

const std::vector<Layer>& Layers() {
  static const auto* const layers = new std::vector<Layer>{
      {"base", {}},
      {"base/testing", {"base"}},
      {"timer", {"base"}},
      {"threadpool", {"base", "timer"}},
      {"event/poller", {"base", "timer"}},
      {"event", {"base", "timer", "event/poller"}},
      {"net", {"base", "timer", "event/poller", "event"}},
      {"net/socket", {"base", "timer", "event/poller", "event", "net"}},
      {"net/transport",
       {"base", "timer", "event/poller", "event", "net", "net/socket"}},
      {"net/tcp",
       {"base", "timer", "event/poller", "event", "net", "net/socket",
        "net/transport"}},
      {"net/sim",
       {"base", "timer", "event/poller", "event", "net", "net/socket",
        "net/transport", "net/tcp"}},
      // The inside of log: one layer with it, and closed to all others.
      {"log/internal", {"base", "timer", "log"}},
      {"log", {"base", "timer", "log/internal"}},
      {"log/glog", {"base", "timer", "log/internal", "log"}},
  };
  return *layers;
}

// Returns whether `package` is above all layers and may use anything.
bool IsOnTop(absl::string_view package) {
  return package == "bench" || package == "tests" ||
         absl::StartsWith(package, "bench/") ||
         absl::StartsWith(package, "tests/") ||
         absl::StartsWith(package, "apps/");
}

// Returns whether `package` is shared by all apps; it depends on no app.
bool IsAppsCommon(absl::string_view package) {
  return package == "apps/common" || absl::StartsWith(package, "apps/common/");
}

bool IsForTests(const BuildTarget& target) {
  return target.testonly || target.rule == "sluice_cc_test" ||
         target.rule == "sluice_cc_benchmark" ||
         target.rule == "sluice_cc_fuzz";
}

// Returns the rule on who may depend on `dep`, a target of another repository;
// empty if `target` may.
std::string ForeignRule(const BuildTarget& target, absl::string_view dep) {
  const std::string package = PackageOf(target.label);
  const bool app = absl::StartsWith(package, "apps/");
  if (absl::StartsWith(dep, "@com_google_absl//absl/flags")) {
    return app ? "" : "flags belong to apps";
  }
  if (absl::StartsWith(dep, "@com_google_absl//")) return "";
  if (absl::StartsWith(dep, "@com_google_googletest//") ||
      absl::StartsWith(dep, "@com_github_google_benchmark//")) {
    return IsForTests(target) ? "" : "only testonly targets may";
  }
  if (absl::StartsWith(dep, "@com_github_google_glog//") ||
      absl::StartsWith(dep, "@com_github_gflags_gflags//")) {
    // The logger is compared with glog.
    const bool comparison = package == "bench" && IsForTests(target);
    // With the bridge's test, benchmark and example.
    const bool bridge = absl::StartsWith(target.label, "//log/glog:");
    return app || comparison || bridge ? ""
                                       : "only apps, //log/glog "
                                         "and testonly targets of bench "
                                         "may";
  }
  if (absl::StartsWith(dep, "@zlib//")) {
    return package == "tests" ? "" : "only the test of system libraries may";
  }
  return "a repository that tests/structure/layering.cc does not know: say "
         "there who may";
}

// Returns the same for `dep`, a target of ours.
std::string OwnRule(const BuildTarget& target, const std::string& dep) {
  const std::string from = PackageOf(target.label);
  const std::string to = PackageOf(dep);
  if (IsAppsCommon(from) && absl::StartsWith(to, "apps/") &&
      !IsAppsCommon(to)) {
    return "apps depend on apps/common, not apps/common on apps";
  }
  if (from == to || IsOnTop(from)) return "";
  if (to == "base/testing" && IsForTests(target)) return "";
  const auto& layers = Layers();
  const auto layer =
      std::find_if(layers.begin(), layers.end(),
                   [&](const Layer& l) { return l.package == from; });
  if (layer == layers.end()) {
    return absl::StrCat("give ", from,
                        " a layer in tests/structure/layering.cc");
  }
  if (std::count(layer->below.begin(), layer->below.end(), to) > 0) return "";
  if (layer->below.empty()) {
    return absl::StrCat(from, " stands on nothing but itself");
  }
  return absl::StrCat(from, " stands on ", absl::StrJoin(layer->below, ", "),
                      " and nothing else");
}

}  // namespace

std::vector<std::string> LayeringErrors(
    const std::vector<BuildTarget>& targets) {
  std::vector<std::string> errors;
  for (const BuildTarget& target : targets) {
    for (const std::string& dep : target.deps) {
      const std::string rule = absl::StartsWith(dep, "@")
                                   ? ForeignRule(target, dep)
                                   : OwnRule(target, dep);
      if (rule.empty()) continue;
      errors.push_back(absl::StrCat(target.file, ":", target.line, ": ",
                                    target.label, " depends on ", dep, ": ",
                                    rule));
    }
  }
  return errors;
}

}  // namespace sluice

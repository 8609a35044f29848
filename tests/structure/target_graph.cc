#include "sluice/tests/structure/target_graph.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sluice/tests/structure/build_file.h"

namespace sluice {
namespace {

// Returns the top folder: "net" of "//net/tcp:tcp_server".
std::string TopFolder(const std::string& label) {
  const std::string package = PackageOf(label);
  return package.substr(0, package.find('/'));
}

}  // namespace

TargetGraph::TargetGraph(const std::vector<BuildTarget>& targets) {
  for (const BuildTarget& target : targets) {
    targets_.emplace(target.label, target);
  }
}

absl::StatusOr<std::set<std::string>> TargetGraph::Closure(
    const std::string& label) const {
  std::set<std::string> closure;
  std::set<std::string> seen = {label};
  std::vector<std::string> todo = {label};
  while (!todo.empty()) {
    const std::string current = todo.back();
    todo.pop_back();
    if (absl::StartsWith(current, "@")) {
      closure.insert(current.substr(0, current.find("//")));
      continue;
    }
    if (TopFolder(current) != TopFolder(label)) {
      closure.insert(TopFolder(current));
    }
    const auto target = targets_.find(current);
    if (target == targets_.end()) {
      return absl::NotFoundError(absl::StrCat(
          label, " depends on ", current, ", which no BUILD file declares"));
    }
    for (const std::string& dep : target->second.deps) {
      if (seen.insert(dep).second) todo.push_back(dep);
    }
  }
  return closure;
}

}  // namespace sluice

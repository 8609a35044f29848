#include "sluice/tests/target_graph.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "sluice/tests/build_file.h"

namespace sluice {

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
    if (PackageOf(current) != PackageOf(label)) {
      closure.insert(PackageOf(current));
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

#ifndef SLUICE_TESTS_STRUCTURE_TARGET_GRAPH_H_
#define SLUICE_TESTS_STRUCTURE_TARGET_GRAPH_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sluice/tests/structure/build_file.h"

namespace sluice {

// The graph of the targets' dependencies, direct and indirect (testonly).
// Thread-compatible; owns its copy of the targets.
class TargetGraph {
 public:
  explicit TargetGraph(const std::vector<BuildTarget>& targets);

  // Returns the targets in the order of their labels.
  const std::map<std::string, BuildTarget>& targets() const { return targets_; }

  // Returns the dependencies that a program links with `label`: the top folders
  // of ours, except its own ("base"), and the repositories of others
  // ("@com_google_absl"). kNotFound: the target depends on a target that no
  // BUILD file declares.
  absl::StatusOr<std::set<std::string>> Closure(const std::string& label) const;

 private:
  std::map<std::string, BuildTarget> targets_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_TARGET_GRAPH_H_

#ifndef SLUICE_TESTS_STRUCTURE_SOURCE_TREE_H_
#define SLUICE_TESTS_STRUCTURE_SOURCE_TREE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A text file of this repository (testonly). A value.
struct SourceFile {
  std::string path;  // from the top: "timer/clock.cc"
  std::string text;
};

// The whole repository in the order of paths, but for examples/downstream, a
// workspace of its own. kNotFound: the file that holds it cannot be read;
// kDataLoss: it is damaged.
// REQUIRES: run by bazel test, with :all_sources among the target's data.
absl::StatusOr<std::vector<SourceFile>> ReadSourceTree();

// Likewise of what stands in such a file; bazel/packages.bzl says how.
absl::StatusOr<std::vector<SourceFile>> ParseSourceTree(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_SOURCE_TREE_H_

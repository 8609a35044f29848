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

// Returns all files of the repository in the order of paths. The folders in
// examples/ are workspaces of their own: only their files that have versions
// are in the tree. kNotFound: the file that holds the tree cannot be read;
// kDataLoss: it is damaged. REQUIRES: run by bazel test, with :all_sources
// among the target's data.
absl::StatusOr<std::vector<SourceFile>> ReadSourceTree();

// Returns the same from the text of such a file; bazel/packages.bzl describes
// the format.
absl::StatusOr<std::vector<SourceFile>> ParseSourceTree(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_SOURCE_TREE_H_

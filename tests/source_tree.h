#ifndef SLUICE_TESTS_SOURCE_TREE_H_
#define SLUICE_TESTS_SOURCE_TREE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

// A text file of this repository (testonly). A value.
struct SourceFile {
  std::string path;  // from the top: "timer/clock.cc"
  std::string text;
};

// The whole repository in the order of paths, but for examples/downstream, a
// workspace of its own. kNotFound: a file cannot be read.
// REQUIRES: run by bazel test, with :source_list and :source_list_files among
// the target's data.
absl::StatusOr<std::vector<SourceFile>> ReadSourceTree();

}  // namespace sluice

#endif  // SLUICE_TESTS_SOURCE_TREE_H_

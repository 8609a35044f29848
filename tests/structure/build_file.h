#ifndef SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_
#define SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {

// What a BUILD file declares, for tests of the repository's structure
// (testonly). Not an interpreter of Starlark: it reads what our files consist
// of, calls with literal arguments, and refuses all else. Values.

// A target as it is written. Labels are whole ("//net:stream"); those of other
// repositories stay as they are.
struct BuildTarget {
  std::string label;
  std::string file;  // "net/BUILD.bazel"
  int line = 0;      // of the name
  std::string rule;  // "sluice_cc_library"
  bool testonly = false;
  bool is_public = false;         // by its own visibility
  std::vector<std::string> hdrs;  // paths from the top, also below
  std::vector<std::string> srcs;
  std::vector<std::string> deps;  // without what the macros add
};

// "net/http" of "//net/http:server".
std::string PackageOf(const std::string& label);

// The targets of one file, in its order. kInvalidArgument, with file and line:
// something else than calls of strings, lists, words and numbers; or an
// attribute of a sluice_cc_... rule that is not known to name no target.
absl::StatusOr<std::vector<BuildTarget>> ParseBuildFile(const SourceFile& file);

// Those of all BUILD files among `tree`.
absl::StatusOr<std::vector<BuildTarget>> ParseBuildFiles(
    const std::vector<SourceFile>& tree);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_

#ifndef SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_
#define SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {

// The declarations of a BUILD file, for tests of the repository's structure
// (testonly). This is no interpreter of Starlark: it reads calls with literal
// arguments, as our files have them, and refuses all else. Values.

// A target. Labels are whole: "//net:stream", "@zlib//:zlib". Labels in
// packages of other repositories stay as they are written.
struct BuildTarget {
  std::string label;
  std::string file;  // "net/BUILD.bazel"
  int line = 0;      // of the name
  std::string rule;  // "sluice_cc_library"
  bool testonly = false;
  bool is_public = false;         // by its own visibility
  std::vector<std::string> hdrs;  // paths from the top, also below
  std::vector<std::string> srcs;
  std::vector<std::string> deps;  // without the deps that macros add
};

// Returns the package of a label: "net/http" of "//net/http:server".
std::string PackageOf(const std::string& label);

// Returns the targets of one file, in its order. kInvalidArgument, with file
// and line: the file has something other than calls with strings, lists, words
// and numbers; or a sluice_cc_... rule has an attribute that may name a target,
// because it is not in the list of known attributes.
absl::StatusOr<std::vector<BuildTarget>> ParseBuildFile(const SourceFile& file);

// Returns the targets of all BUILD files among `tree`.
absl::StatusOr<std::vector<BuildTarget>> ParseBuildFiles(
    const std::vector<SourceFile>& tree);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_BUILD_FILE_H_

#ifndef SLUICE_TESTS_STRUCTURE_TREE_RULES_H_
#define SLUICE_TESTS_STRUCTURE_TREE_RULES_H_

#include <string>
#include <vector>

#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {

// The rules on the repository's files as a whole, and on files that are not
// C++ (testonly). The .cc file lists the exemptions and their reasons.

// Returns one line for each violation, "file:line: rule: what to do".
//
//   macro      C++ targets are declared by the macros of bazel/sluice.bzl
//   orphan     each .h and .cc file is in exactly one target
//   header     foo.h is the only header of the target foo
//   todo       `TODO` says whose and what
//   blanks     no tabs, none at the end of a line
//   decisions  docs/decisions/NNNN-title.md, numbered from 0001 without a gap
//   link       a Markdown link to a file of ours leads somewhere
std::vector<std::string> TreeErrors(const std::vector<SourceFile>& tree,
                                    const std::vector<BuildTarget>& targets);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_TREE_RULES_H_

#ifndef SLUICE_TESTS_STRUCTURE_TARGET_TABLE_H_
#define SLUICE_TESTS_STRUCTURE_TARGET_TABLE_H_

#include <string>
#include <vector>

#include "sluice/tests/structure/source_tree.h"
#include "sluice/tests/structure/target_graph.h"

namespace sluice {

// The README's table of targets (testonly), whose lines are
//
//   | `//timer:clock` | what it is | thread-safe | base, absl |
//
// The third cell is a word on threads, the fourth what linking the target
// brings: packages of ours other than its own, then repositories of others.

// One line for each way in which the table in `readme` differs from the public
// targets of `graph`: one that is missing, of which it says what to write; one
// that is there twice, is not public, or is out of order; an unknown word on
// threads; another closure.
std::vector<std::string> TargetTableErrors(const SourceFile& readme,
                                           const TargetGraph& graph);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_TARGET_TABLE_H_

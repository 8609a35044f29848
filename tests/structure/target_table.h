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
// The third cell is a word on thread safety. The fourth cell lists what linking
// the target brings: our packages except its own, then other repositories.

// Returns one line for each difference between the table in `readme` and the
// public targets of `graph`: a missing target, with the line to write; a target
// that is there twice, is not public, or is out of order; an unknown word on
// thread safety; a different closure.
std::vector<std::string> TargetTableErrors(const SourceFile& readme,
                                           const TargetGraph& graph);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_TARGET_TABLE_H_

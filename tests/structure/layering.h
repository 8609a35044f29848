#ifndef SLUICE_TESTS_STRUCTURE_LAYERING_H_
#define SLUICE_TESTS_STRUCTURE_LAYERING_H_

#include <string>
#include <vector>

#include "sluice/tests/structure/build_file.h"

namespace sluice {

// The layers of this repository (testonly): which package may depend on which,
// and which target on which other repository. The tables are in the .cc file;
// dependencies that are not in them are refused.

// Returns one line for each dependency that the tables do not allow, as
// "file:line: target depends on target: rule".
std::vector<std::string> LayeringErrors(
    const std::vector<BuildTarget>& targets);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_LAYERING_H_

#ifndef SLUICE_TESTS_STRUCTURE_CPP_RULES_H_
#define SLUICE_TESTS_STRUCTURE_CPP_RULES_H_

#include <set>
#include <string>
#include <vector>

#include "sluice/tests/structure/source_tree.h"

namespace sluice {

// The rules on one C++ file that compilers and clang-format do not hold
// (testonly). Which files are exempt from one, and why, is in the .cc file.

// One line for each violation in `file`, "file:line: rule: what to do". `paths`
// are those of all files, for what an include may name.
//
//   include    "sluice/<path>", and no short path that a user's file can shadow
//   guard      SLUICE_<PATH>_H_, around the whole header
//   columns    80 at most
//   prose      a comment names its subject and has no rare words
//   iostream   no <iostream>, which has static constructors
//   namespace  no using namespace
//   time       time comes from a Clock, and nothing sleeps
//   syscall    the kernel is called in a few places only
//   thread     threads start in a few places only
//   no-test    an _test.cc file has tests
std::vector<std::string> CppErrors(const SourceFile& file,
                                   const std::set<std::string>& paths);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_CPP_RULES_H_

#ifndef SLUICE_TESTS_STRUCTURE_CPP_TEXT_H_
#define SLUICE_TESTS_STRUCTURE_CPP_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// C++ source text taken apart (testonly), as far as rules on the text need it:
// what is code, what is comment, and what stands in a literal and is neither.
// Macros are not expanded, and code that #if removes is code. Values.

struct CppText {
  // Both as long as the source, with blanks for what is not theirs and the
  // same line ends. In `code` of a literal the quotes are left.
  std::string code;
  std::string comments;
};

CppText SplitCpp(absl::string_view source);

struct CppToken {
  absl::string_view text;  // of the code; an identifier, a number, "::" or
                           // "->", else one character
  int line;
};

// REQUIRES: `code` outlives the tokens.
std::vector<CppToken> CppTokens(absl::string_view code);

}  // namespace sluice

#endif  // SLUICE_TESTS_STRUCTURE_CPP_TEXT_H_

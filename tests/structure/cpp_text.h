#ifndef SLUICE_TESTS_STRUCTURE_CPP_TEXT_H_
#define SLUICE_TESTS_STRUCTURE_CPP_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// C++ source text split into code and comments (testonly), as far as rules on
// the text need it. The text inside a literal is neither. Macros are not
// expanded, and code that #if removes is code. Values.

struct CppText {
  // Both strings are as long as the source, with the same line ends; blanks
  // replace the rest. `code` keeps the quotes of a literal.
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

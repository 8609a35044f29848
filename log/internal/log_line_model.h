#ifndef SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_
#define SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A model of LogLineFormatter's lines (testonly), with its own decoder of UTF-8
// and a parser of JSON.

// Returns OK if `line` is one line of UTF-8 that ends in a newline and has no
// other control character, no line separator, and no mark that overrides the
// direction of text; otherwise kInvalidArgument.
absl::Status CheckLogLine(absl::string_view line);

// Returns the members of a line of kJson: strings without their escapes, and
// numbers as text. Returns kInvalidArgument if CheckLogLine() does, or if the
// line is not an object with strings and numbers as members.
absl::StatusOr<std::map<std::string, std::string>> ParseJsonLine(
    absl::string_view line);

// Returns the text that kText must print for these bytes.
std::string ModelTextEscapes(absl::string_view bytes);

// Returns the string that ParseJsonLine() must return for these bytes: each
// byte that is not UTF-8 is replaced by U+FFFD.
std::string ModelJsonText(absl::string_view bytes);

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_

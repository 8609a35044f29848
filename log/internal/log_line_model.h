#ifndef SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_
#define SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// What lines of LogLineFormatter must be (testonly), by another reading of
// UTF-8, and by one of JSON.

// OK for one line of UTF-8 whose newline is at its end and that has no other
// control character, separator of lines, or mark that overrides the direction.
absl::Status CheckLogLine(absl::string_view line);

// The members of a line of kJson, strings unescaped and numbers as they stand.
// An error if CheckLogLine() finds one or it is no object of such members.
absl::StatusOr<std::map<std::string, std::string>> ParseJsonLine(
    absl::string_view line);

// What kText makes of any bytes.
std::string ModelTextEscapes(absl::string_view bytes);

// What ParseJsonLine() must give back of any bytes: U+FFFD for each that is no
// UTF-8.
std::string ModelJsonText(absl::string_view bytes);

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LINE_MODEL_H_

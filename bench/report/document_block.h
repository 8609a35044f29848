#ifndef SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_
#define SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Returns the Markdown `document` with `text` in the block `name`: between the
// lines
//
//   <!-- name: written by //bench:comparisons -->
//   <!-- end of name -->
//
// These lines and everything else stay. Blank lines separate the text from the
// two lines. Returns kInvalidArgument if one of the lines is not there exactly
// once, or if the second line is before the first.
absl::StatusOr<std::string> ReplaceBlock(absl::string_view document,
                                         absl::string_view name,
                                         absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_

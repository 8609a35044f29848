#ifndef SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_
#define SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// A Markdown `document` with other text in the block `name`: between the lines
//
//   <!-- name: written by //bench:report -->
//   <!-- end of name -->
//
// which stay, as all else does; blank lines set the text off. kInvalidArgument
// if not each of them is there once, or the second is before the first.
absl::StatusOr<std::string> ReplaceBlock(absl::string_view document,
                                         absl::string_view name,
                                         absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_DOCUMENT_BLOCK_H_

#include "sluice/bench/report/document_block.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// Returns the position of `line`, a whole line of the document.
absl::StatusOr<size_t> FindOnce(absl::string_view document,
                                absl::string_view line) {
  const std::string whole = absl::StrCat("\n", line, "\n");
  const size_t found = document.find(whole);
  if (found == document.npos) {
    return absl::InvalidArgumentError(absl::StrCat("has no line ", line));
  }
  if (document.find(whole, found + 1) != document.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("has more than one line ", line));
  }
  return found + 1;
}

}  // namespace

absl::StatusOr<std::string> ReplaceBlock(absl::string_view document,
                                         absl::string_view name,
                                         absl::string_view text) {
  const std::string first =
      absl::StrCat("<!-- ", name, ": written by //bench:comparisons -->");
  const std::string last = absl::StrCat("<!-- end of ", name, " -->");
  const absl::StatusOr<size_t> begin = FindOnce(document, first);
  if (!begin.ok()) return begin.status();
  const absl::StatusOr<size_t> end = FindOnce(document, last);
  if (!end.ok()) return end.status();
  if (*end < *begin) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", last, " before ", first));
  }
  return absl::StrCat(document.substr(0, *begin), first, "\n\n",
                      absl::StripAsciiWhitespace(text), "\n\n",
                      document.substr(*end));
}

}  // namespace sluice

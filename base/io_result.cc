#include "sluice/base/io_result.h"

#include <system_error>

#include "absl/strings/str_cat.h"

namespace sluice {

absl::Status ToStatus(IoResult result, absl::string_view operation,
                      absl::string_view object) {
  if (result.ok()) return absl::OkStatus();
  const int error = result.error();
  return absl::Status(absl::ErrnoToStatusCode(error),
                      absl::StrCat(operation, " on ", object, ": ",
                                   std::generic_category().message(error),
                                   " (errno ", error, ")"));
}

}  // namespace sluice

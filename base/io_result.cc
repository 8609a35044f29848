#include "sluice/base/io_result.h"

#include <string>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sluice {

absl::Status ToStatus(IoResult result, absl::string_view operation,
                      absl::string_view object) {
  if (result.ok()) return absl::OkStatus();
  const int error = result.error();
  absl::Status status(absl::ErrnoToStatusCode(error),
                      absl::StrCat(operation, " on ", object, ": ",
                                   std::generic_category().message(error),
                                   " (errno ", error, ")"));
  status.SetPayload(kErrnoTypeUrl, absl::Cord(absl::StrCat(error)));
  return status;
}

std::optional<int> ErrnoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrnoTypeUrl);
  int error;
  if (!payload.has_value() ||
      !absl::SimpleAtoi(std::string(*payload), &error) || error <= 0) {
    return std::nullopt;
  }
  return error;
}

absl::Status WithMessage(const absl::Status& status,
                         absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        changed.SetPayload(type_url, payload);
      });
  return changed;
}

}  // namespace sluice

#include "sluice/net/thread_model.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"

namespace sluice {

absl::StatusOr<ThreadModel> ParseThreadModel(absl::string_view flag) {
  if (flag == "single") return ThreadModel::kSingleLoop;
  return absl::InvalidArgumentError(absl::StrCat(
      "thread model \"", flag, "\" is not one of those there are: single"));
}

absl::string_view ThreadModelName(ThreadModel model) {
  switch (model) {
    case ThreadModel::kSingleLoop:
      return "single";
  }
  SLUICE_CHECK(false);
}

}  // namespace sluice

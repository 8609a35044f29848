#include "sluice/net/tcp/thread_model.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"

namespace sluice {

absl::StatusOr<ThreadModel> ParseThreadModel(absl::string_view flag) {
  if (flag == "single") return ThreadModel::kSingleLoop;
  if (flag == "reuseport") return ThreadModel::kReusePort;
  return absl::InvalidArgumentError(absl::StrCat(
      "thread model \"", flag, "\" is not one of: single, reuseport"));
}

absl::string_view ThreadModelName(ThreadModel model) {
  switch (model) {
    case ThreadModel::kSingleLoop:
      return "single";
    case ThreadModel::kReusePort:
      return "reuseport";
  }
  SLUICE_CHECK(false);
}

}  // namespace sluice

#ifndef SLUICE_BENCH_REPORT_USER_FILE_H_
#define SLUICE_BENCH_REPORT_USER_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Files of whoever calls bazel run, which starts programs in a folder of its
// own: a relative path is one from where he called it.
namespace sluice {

// kNotFound, kPermissionDenied and what else the system says; with the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Never half of it: the file is replaced by a new one, or stays as it is.
absl::Status WriteFile(const std::string& path, absl::string_view contents);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_USER_FILE_H_

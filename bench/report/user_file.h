#ifndef SLUICE_BENCH_REPORT_USER_FILE_H_
#define SLUICE_BENCH_REPORT_USER_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Files of the user who calls bazel run. Bazel starts a program in a folder of
// its own. Therefore a relative path here is relative to the folder of the
// user.
namespace sluice {

// Returns the contents of the file, or kNotFound, kPermissionDenied or another
// error of the system. The message has the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces the file by a new one, or leaves it as it is if there is an error.
// Never writes half of a file.
absl::Status WriteFile(const std::string& path, absl::string_view contents);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_USER_FILE_H_

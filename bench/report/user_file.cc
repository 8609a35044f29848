#include "sluice/bench/report/user_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

std::string FullPath(const std::string& path) {
  const char* const folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder == nullptr || absl::StartsWith(path, "/")) return path;
  return absl::StrCat(folder, "/", path);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(FullPath(path));
  std::ostringstream contents;
  if (!file.is_open()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  contents << file.rdbuf();
  return contents.str();
}

absl::Status WriteFile(const std::string& path, absl::string_view contents) {
  const std::string full = FullPath(path);
  const std::string unfinished = absl::StrCat(full, ".new");
  std::ofstream file(unfinished);
  file << contents;
  file.close();
  if (!file.fail() && std::rename(unfinished.c_str(), full.c_str()) == 0) {
    return absl::OkStatus();
  }
  const absl::Status status =
      absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  std::remove(unfinished.c_str());
  return status;
}

}  // namespace sluice

#include "sluice/base/open_descriptors.h"

#include <dirent.h>

#include <cerrno>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::StatusOr<std::vector<int>> OpenDescriptors(pid_t pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/fd");
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) {
    return ToStatus(IoResult::FromErrno(errno), "opendir", path);
  }
  const absl::Cleanup close = [folder] { closedir(folder); };
  const int own = pid == getpid() ? dirfd(folder) : -1;
  std::vector<int> open;
  errno = 0;
  while (const dirent* entry = readdir(folder)) {
    int fd;
    if (absl::SimpleAtoi(entry->d_name, &fd) && fd != own) open.push_back(fd);
    errno = 0;
  }
  if (errno != 0) return ToStatus(IoResult::FromErrno(errno), "readdir", path);
  return open;
}

}  // namespace sluice

#include "sluice/net/unix_socket_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::StatusOr<UnixSocketFile> UnixSocketFile::Find(
    const SocketAddress& address) {
  UnixSocketFile file;
  file.path_ = std::string(address.unix_path());
  if (file.path_.empty()) return file;
  struct stat found;
  if (lstat(file.path_.c_str(), &found) != 0) {
    return ToStatus(IoResult::FromErrno(errno), "lstat", address.ToString());
  }
  if (!S_ISSOCK(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("lstat on ", address.ToString(), ": not a socket"));
  }
  file.device_ = found.st_dev;
  file.inode_ = found.st_ino;
  return file;
}

absl::Status UnixSocketFile::Remove() {
  const std::string path = std::exchange(path_, "");
  if (path.empty()) return absl::OkStatus();
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT
               ? absl::OkStatus()
               : ToStatus(IoResult::FromErrno(errno), "lstat", path);
  }
  if (found.st_dev != device_ || found.st_ino != inode_) {
    return absl::OkStatus();
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ToStatus(IoResult::FromErrno(errno), "unlink", path);
  }
  return absl::OkStatus();
}

}  // namespace sluice

#include "sluice/net/socket/unix_socket_file.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::StatusOr<UnixSocketFile> UnixSocketFile::Find(
    SocketApi* api, const SocketAddress& address) {
  UnixSocketFile file;
  file.path_ = std::string(address.unix_path());
  if (file.path_.empty()) return file;
  file.api_ = api;
  const IoResult found = api->FindFile(file.path_, &file.id_);
  if (found.error() == ENOTSOCK) {
    return absl::FailedPreconditionError(
        absl::StrCat("lstat on ", address.ToString(), ": not a socket"));
  }
  if (!found.ok()) return ToStatus(found, "lstat", address.ToString());
  return file;
}

absl::Status UnixSocketFile::Remove() {
  const std::string path = std::exchange(path_, "");
  if (path.empty() || !owner_.IsCurrent()) return absl::OkStatus();
  SocketApi::FileId id;
  const IoResult found = api_->FindFile(path, &id);
  if (found.error() == ENOENT || found.error() == ENOTSOCK) {
    return absl::OkStatus();
  }
  if (!found.ok()) return ToStatus(found, "lstat", path);
  if (id != id_) return absl::OkStatus();
  const IoResult removed = api_->RemoveFile(path);
  return removed.error() == ENOENT ? absl::OkStatus()
                                   : ToStatus(removed, "unlink", path);
}

}  // namespace sluice

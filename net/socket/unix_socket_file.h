#ifndef SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_
#define SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/base/owner_process.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The identity of the file of a listening Unix-domain socket. A server that
// stops listening removes its own file with it, and not the file of another
// server that has taken the path over. The destructor removes nothing. Value
// type.
class UnixSocketFile {
 public:
  // Creates an object without a file.
  UnixSocketFile() = default;

  // Returns the file that bind() has just created at `address`, or no file if
  // the address is not a path in the file system. Returns the errors of
  // lstat(2), and kFailedPrecondition if the file is not a socket. `api` is the
  // socket's and outlives this object.
  static absl::StatusOr<UnixSocketFile> Find(SocketApi* api,
                                             const SocketAddress& address);

  // Unlinks the file if it is still the one that Find() saw. Returns OK also if
  // the file is gone or was replaced, or if there is none, and otherwise the
  // error of lstat(2) or unlink(2). After this call, even if it failed, the
  // object has no file: further calls return OK and do nothing. In the child of
  // a fork(), unlinks nothing: the file belongs to the parent.
  //
  // REQUIRES: the socket is still open. An open socket keeps its inode, so that
  // no other file can have the inode's number; after close(2) the number is
  // soon used again.
  //
  // If another server replaces the file after the check and before the unlink,
  // its file is removed: no system call does both.
  absl::Status Remove();

 private:
  OwnerProcess owner_;
  SocketApi* api_ = nullptr;
  std::string path_;
  SocketApi::FileId id_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_

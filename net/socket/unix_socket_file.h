#ifndef SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_
#define SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/base/owner_process.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// Which file in the file system belongs to a listening Unix-domain socket, so
// that whoever stops listening removes its own file and not that of a server
// that has taken the path over. Destruction removes nothing. Value type.
class UnixSocketFile {
 public:
  // No file.
  UnixSocketFile() = default;

  // The file that bind() has just made at `address`; no file if the address is
  // not a path in the file system. Errors are those of lstat(2);
  // kFailedPrecondition if what is there is not a socket. `api` is the socket's
  // and outlives this object.
  static absl::StatusOr<UnixSocketFile> Find(SocketApi* api,
                                             const SocketAddress& address);

  // Unlinks the file if it is still the one that Find() saw; OK as well if it
  // has gone or been replaced, or if there is none. Then forgets it. Otherwise
  // an error of lstat(2) or unlink(2). In the child of a fork() unlinks
  // nothing: the file is the parent's. REQUIRES: the socket is still open.
  // Open, it holds its inode, whose number no other file can have; closed, the
  // number soon comes back.
  //
  // A server that replaces the file between our look at it and the unlink loses
  // it: there is no system call that does both.
  absl::Status Remove();

 private:
  OwnerProcess owner_;
  SocketApi* api_ = nullptr;
  std::string path_;
  SocketApi::FileId id_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_UNIX_SOCKET_FILE_H_

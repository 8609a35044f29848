#ifndef SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_
#define SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_

#include "sluice/net/socket/socket_api.h"

namespace sluice {

// Returns the kernel's sockets, an object without state that is never deleted.
// Thread-safe.
//
// Close() never repeats close(2): on Linux, the descriptor is closed even if
// close(2) was interrupted, and a second call could close a new descriptor of
// another thread. For the same reason, Close() CHECK-fails on EBADF.
SocketApi* KernelSockets();

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_

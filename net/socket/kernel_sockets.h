#ifndef SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_
#define SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_

#include "sluice/net/socket/socket_api.h"

namespace sluice {

// The kernel's sockets. Without state, never deleted, thread-safe.
//
// Close() never repeats close(2): on Linux the descriptor is gone even if that
// is interrupted, and a second call might hit another thread's new one. It
// aborts on EBADF, for the same reason.
SocketApi* KernelSockets();

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_KERNEL_SOCKETS_H_

#ifndef SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_

#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// A Transport straight on a connected socket, by readiness. `loop` outlives it,
// and is of the same world as `socket`.
//
// Reads into the loop's receive buffer, again while reads fill it and the
// output is not short, up to 256 KiB per turn; sends up to 1 MiB per turn.
// Changes the poller's interest at most once per event. 96 bytes of memory.
TransportPtr NewSocketTransport(EventLoop* loop, Socket socket);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_

#ifndef SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_

#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// Creates a Transport directly on a connected socket, with readiness events.
// `loop` outlives it, and is of the same world as `socket`. REQUIRES: `socket`
// is not empty.
//
// Reads into the loop's receive buffer. Reads again while reads fill the buffer
// and no output is pending, up to 256 KiB per iteration. Sends up to 1 MiB per
// iteration. Changes the interest at the poller at most once per event. Takes
// 96 bytes of memory.
TransportPtr NewSocketTransport(EventLoop* loop, Socket socket);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_SOCKET_TRANSPORT_H_

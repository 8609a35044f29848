#ifndef SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_

#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// A Transport (testonly) over a connected socket that does, wherever the
// contract leaves it open, what a plain socket does not: what works over this
// one too rests on the contract, and not on readiness.
//
// Everything is told a turn or more after it happened, and by a task. TrySend()
// takes nothing. Flush() pins the segments that it takes, reads them a turn
// later, and lets go of them a turn after the kernel has got them: a segment
// that is freed or changed meanwhile is seen by the address sanitizer. Input is
// shown in a copy that is freed when OnInput() returns; what had arrived when
// reading was switched off waits here. Close() leaves an object behind while
// segments are pinned; the loop's end frees it too.
//
// Stands on an inner transport, as its Sink: as TLS will. Loop-bound; `loop`
// outlives it, and is of the same world as `socket`. Holds one receive buffer
// of input and 64 KiB of output at most.
TransportPtr NewDeferredTransport(EventLoop* loop, Socket socket);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_

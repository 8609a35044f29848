#ifndef SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_

#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// Creates a Transport (testonly) over a connected socket. Wherever the contract
// leaves a choice, this one behaves differently from a plain socket. So code
// that works on both relies on the contract, and not on readiness.
//
// The transport reports everything at least one iteration after it happened,
// from a task. TrySend() takes nothing. Flush() pins the segments that it
// takes, reads them one iteration later, and unpins them one iteration after
// the kernel has taken the bytes: if a segment is freed or changed meanwhile,
// the address sanitizer sees it. Input is shown in a copy that is freed when
// OnInput() returns. Bytes that had arrived when reading was switched off wait
// in the transport. If segments are pinned, Close() leaves an object behind
// until they are unpinned or the loop ends.
//
// It is the Sink of an inner transport, as TLS will be. Loop-bound; `loop`
// outlives it, and is of the same world as `socket`. Holds at most one receive
// buffer of input and 64 KiB of output.
TransportPtr NewDeferredTransport(EventLoop* loop, Socket socket);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_DEFERRED_TRANSPORT_H_

#ifndef SLUICE_NET_TRANSPORT_RECORD_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_RECORD_TRANSPORT_H_

#include "sluice/event/event_loop.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// Creates a layer (testonly; a TransportLayer) that does to the bytes what TLS
// does, without cryptography: a handshake, records that are never as large as
// their payload, and an end mark. Code that works over this layer relies on no
// count of bytes on the wire. record_codec.h describes the format.
//
// OnOpen() comes after both hellos. If the peer sends none, the layer waits:
// its owner must have a timeout. A bad hello, a bad record and bytes after the
// end record are errors with kIoError; FIN without the end record is an error
// with kPeerReset. The end record is the peer's half-close; FIN need not follow
// it at once.
//
// Bytes count as sent when the inner transport has taken all of their record.
// If TrySend() could send only a part of a record, the layer keeps the rest of
// that record and does not count its payload: the next bytes to send must begin
// with this payload, as the contract of TrySend() says. ShutdownWrite() adds
// the end record to the last record if output is left; then the OnSent() that
// empties the queue means that the end record was taken too.
//
// A graceful Close() that was not preceded by ShutdownWrite() offers the end
// record once: if the inner transport does not take it, the peer sees FIN
// without it. The same is true if Close() comes in the call that called
// ShutdownWrite(), or before the next loop iteration.
//
// Loop-bound; `loop` outlives it. Holds at most 4 records of output, and the
// input of one call of the inner transport plus one record. An idle connection
// has no memory but the object's.
TransportPtr NewRecordTransport(EventLoop* loop, TransportPtr inner);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_RECORD_TRANSPORT_H_

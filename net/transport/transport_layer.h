#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_LAYER_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_LAYER_H_

#include <functional>

#include "sluice/event/event_loop.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// Puts a layer on the transport of a new connection: takes `inner`, which is
// not started, and returns a transport that is the Sink of `inner`. TLS is such
// a layer. Null means no layer: the connection uses `inner` itself. Called on
// `loop`, which outlives the result. Servers copy the function to each of their
// loops, so that several threads may call copies of it at once.
using TransportLayer =
    std::function<TransportPtr(EventLoop* loop, TransportPtr inner)>;

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_LAYER_H_

#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/output_queue.h"

namespace sluice {

// The layer between a connection and the kernel: a socket; TLS, which is itself
// the Sink of an inner transport; DeferredTransport under test. Made for
// readiness and for completions alike: a send may end long after it was begun,
// and input may come that was asked for before. Loop-bound.
//
// Received bytes lie in memory of the loop, valid during the call that shows
// them. Bytes to send lie in segments of the caller's queue, pinned while
// somebody below may still read them. //net/transport:transport_conformance
// states this contract as tests.
class Transport {
 public:
  // Called from the loop's dispatch or a task of the transport, never inside a
  // call on it. Each call may Close() the transport and destroy the sink.
  class Sink {
   public:
    // The transport can be used. Nothing but OnError() comes before.
    virtual void OnOpen() = 0;
    // Bytes that arrived; never none.
    virtual void OnInput(absl::string_view bytes) = 0;
    // The peer sends no more; we may. Once.
    virtual void OnInputEnd() = 0;
    // `bytes` of the flushed queue are sent and taken off it. If that is empty
    // now, the transport has let go of it, and the call may destroy it.
    virtual void OnSent(uint64_t bytes) = 0;
    // The last call. Only Address() and Close() may follow. `error`, never ok,
    // says to a person which connection failed and why, or what the poller
    // refused.
    virtual void OnError(absl::Status error, CloseReason reason) = 0;

   protected:
    ~Sink() = default;
  };

  // OnOpen() or OnError() follows, in a later turn or a later part of this one.
  // Reading starts off. `sink` lives until Close().
  // REQUIRES: called once, before all else.
  virtual void Start(Sink* sink) = 0;

  // Whether input is wanted. While it is off, OnInput() and OnInputEnd() do not
  // come; what was received already is kept, and delivered after it is on.
  virtual void SetReading(bool on) = 0;

  // Sends, or copies, a prefix of the pieces together before it returns: how
  // many bytes. 0 is right whatever the socket's state; so what is left goes to
  // a queue, and that to Flush(), and an error comes by OnError().
  // REQUIRES: OnOpen() has come; no flushed queue has bytes left; no
  // ShutdownWrite().
  virtual size_t TrySend(absl::Span<const absl::string_view> pieces) = 0;

  // Sends `output` in later turns until it is empty, saying OnSent() as it
  // goes; what is appended meanwhile is sent too. To be called whenever an
  // empty queue has got something; another call changes nothing. `output` lives
  // until it is empty or Close() was called.
  // REQUIRES: OnOpen() has come; no ShutdownWrite().
  virtual void Flush(OutputQueue* output) = 0;

  // FIN after all that was flushed. No-op the second time.
  // REQUIRES: OnOpen() has come.
  virtual void ShutdownWrite() = 0;

  // Bytes that have arrived and were not delivered, in the kernel or here. A
  // system call: for those who drain.
  virtual bool HasUnreadInput() const = 0;

  // Ends all calls to the sink, and all for the peer at once: FIN or RST goes
  // out. kGraceful with output left counts as kReset. The transport frees
  // itself, now or when nothing below needs it any more. In the child of a
  // fork(), whose parent has the same connection, sends nothing.
  virtual void Close(CloseMode mode) = 0;

  // Asks the kernel: nothing is kept.
  virtual absl::StatusOr<SocketAddress> Address(SocketApi::End end) const = 0;

 protected:
  virtual ~Transport() = default;
};

struct TransportCloser {
  void operator()(Transport* transport) const {
    transport->Close(CloseMode::kReset);
  }
};
// The one owner of a transport. To close gracefully, release() it and Close().
using TransportPtr = std::unique_ptr<Transport, TransportCloser>;

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_H_

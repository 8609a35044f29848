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
// the Sink of an inner transport; DeferredTransport in tests. The interface
// fits both readiness and completions: a send may end long after its call, and
// input may come that was requested earlier. Loop-bound.
//
// Received bytes lie in memory of the loop, the transport or the sink, and are
// valid during the call that shows them. Bytes to send lie in segments of the
// caller's queue. A segment is pinned while a layer below may still read it.
// //net/transport:transport_conformance has this contract as tests.
class Transport {
 public:
  // Receives the events of a transport. The loop's dispatch or a task of the
  // transport calls it, never a call on the transport. Each call may Close()
  // the transport and destroy the sink.
  class Sink {
   public:
    // The transport can be used. Only OnError() may come before this call.
    virtual void OnOpen() = 0;
    // Returns memory in which the transport may put the next bytes that it
    // passes to OnInput(). The memory is valid until the next call of the sink.
    // Empty: the transport uses memory of its own or of the loop, which it may
    // do in any case. Changes nothing.
    virtual absl::Span<char> InputBuffer() { return {}; }
    // Passes bytes that arrived; `bytes` is never empty.
    virtual void OnInput(absl::string_view bytes) = 0;
    // The peer has half-closed. This end may still send. Called once.
    virtual void OnInputEnd() = 0;
    // `bytes` bytes of the flushed queue were sent and removed from it. If the
    // queue is empty now, the transport does not use it any more, and the call
    // may destroy it.
    virtual void OnSent(uint64_t bytes) = 0;
    // The transport failed. This is the last call of the sink, which may then
    // call only Address() and Close(). `error` is never OK. Its message says
    // which connection failed and why, or which error the poller returned.
    // `reason` is kPeerReset or kIoError.
    virtual void OnError(absl::Status error, CloseReason reason) = 0;

   protected:
    ~Sink() = default;
  };

  // Starts the transport. OnOpen() or OnError() follows, in a later iteration
  // or a later part of this one. Reading is off at first. `sink` lives until
  // Close(). REQUIRES: called once, before all other calls except Close().
  virtual void Start(Sink* sink) = 0;

  // Switches reading on or off, before OnOpen() too. While reading is off, the
  // transport calls neither OnInput() nor OnInputEnd(). It keeps the bytes that
  // it has already received, and delivers them after reading is switched on.
  virtual void SetReading(bool on) = 0;

  // Sends, or copies, a prefix of the pieces before it returns, and returns the
  // number of bytes. May always return 0. Append the rest to a queue and call
  // Flush(), or call TrySend() again. The next bytes must be this rest, because
  // a layer may have begun to send them in a record that it does not count yet.
  // Errors are reported by OnError(). REQUIRES: OnOpen() was called; no flushed
  // queue has bytes left; ShutdownWrite() was not called.
  virtual size_t TrySend(absl::Span<const absl::string_view> pieces) = 0;

  // Sends `output` in later iterations until it is empty, and calls OnSent()
  // during that. Bytes that are appended meanwhile are sent too. Call Flush()
  // whenever bytes were appended to an empty queue; further calls change
  // nothing. `output` lives until it is empty or Close() was called. REQUIRES:
  // OnOpen() was called; ShutdownWrite() was not called; `output` is not empty.
  virtual void Flush(OutputQueue* output) = 0;

  // Half-closes: sends FIN after all flushed bytes. Does nothing when called
  // again. REQUIRES: OnOpen() was called.
  virtual void ShutdownWrite() = 0;

  // Returns true if bytes have arrived that were not delivered, whether the
  // kernel or the transport holds them. For callers that read all input before
  // Close(). Costs a system call.
  virtual bool HasUnreadInput() const = 0;

  // Closes the connection at once: sends FIN or RST, and makes no more calls to
  // the sink. If output is left, kGraceful counts as kReset. The transport
  // frees itself, now or when no layer below needs it any more. In the child of
  // a fork(), whose parent has the same connection, sends nothing.
  virtual void Close(CloseMode mode) = 0;

  // Asks the kernel for an address. Returns the errors of SocketApi::Address().
  virtual absl::StatusOr<SocketAddress> Address(SocketApi::End end) const = 0;

 protected:
  virtual ~Transport() = default;
};

struct TransportCloser {
  void operator()(Transport* transport) const {
    transport->Close(CloseMode::kReset);
  }
};
// The only owner of a transport. To close gracefully, call release() and then
// Close() on the result.
using TransportPtr = std::unique_ptr<Transport, TransportCloser>;

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_H_

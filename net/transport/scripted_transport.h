#ifndef SLUICE_NET_TRANSPORT_SCRIPTED_TRANSPORT_H_
#define SLUICE_NET_TRANSPORT_SCRIPTED_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/transport.h"

namespace sluice {

// The script of an inner transport (testonly): a test decides when it opens,
// what it receives, and how many bytes each send takes. Checks the
// preconditions of Transport. Outlives the transport. Thread-compatible.
class ScriptedTransport {
 public:
  // REQUIRES: called once.
  TransportPtr NewTransport();

  // The events of the transport: each calls the sink. After Close() they do
  // nothing.
  void Open();
  void Input(absl::string_view bytes);  // nothing if `bytes` is empty
  void InputEnd();
  void Error(absl::Status error, CloseReason reason);
  // Sends at most `max` flushed bytes, and calls OnSent() if there are any.
  // Calls the kernel's FIN after the last of them.
  void Send(size_t max = SIZE_MAX);

  // The most bytes that the next calls of TrySend() take together.
  void AllowTrySend(size_t bytes) { try_send_bytes_ = bytes; }

  bool started() const { return sink_ != nullptr; }
  bool reading() const { return reading_; }
  // Returns the bytes that were sent and not taken by TakeWire() yet.
  const std::string& wire() const { return wire_; }
  std::string TakeWire();
  bool fin_sent() const { return fin_sent_; }
  // Returns the number of flushed bytes that wait.
  size_t flushed() const { return output_ == nullptr ? 0 : output_->size(); }
  std::optional<CloseMode> closed() const { return closed_; }

 private:
  class Impl;

  Transport::Sink* sink_ = nullptr;
  OutputQueue* output_ = nullptr;
  std::string wire_;
  size_t try_send_bytes_ = SIZE_MAX;
  bool opened_ = false;
  bool reading_ = false;
  bool input_ended_ = false;
  bool failed_ = false;
  bool shutdown_write_ = false;
  bool fin_sent_ = false;
  std::optional<CloseMode> closed_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_SCRIPTED_TRANSPORT_H_

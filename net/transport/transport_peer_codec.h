#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_PEER_CODEC_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_PEER_CODEC_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// The other end of one connection whose transport changes the bytes (testonly):
// turns plain bytes into bytes of the wire, and back. Has no socket; a test
// moves the bytes. Thread-compatible.
class TransportPeerCodec {
 public:
  virtual ~TransportPeerCodec() = default;

  // Encodes `plain`. A codec whose handshake is not complete may keep the bytes
  // until it is.
  virtual void Send(absl::string_view plain) = 0;
  // Encodes the end mark, after all bytes of Send(). FIN follows it. REQUIRES:
  // no later Send().
  virtual void SendEnd() = 0;
  // Returns the bytes for the wire that were not returned before: the
  // handshake's, which may be there before any call, then those of Send() and
  // SendEnd().
  virtual std::string TakeOutput() = 0;

  // Decodes `wire`, cut anywhere, and appends the complete part to *plain.
  // Returns false if the bytes break the format.
  virtual bool Receive(absl::string_view wire, std::string* plain) = 0;
  // Returns true once the handshake is complete at this end.
  virtual bool open() const = 0;
  // Returns true if the transport may end its output here: the end mark was
  // received, or the format has none.
  virtual bool may_end() const = 0;
};

// Returns a codec that changes nothing: no handshake, no end mark.
std::unique_ptr<TransportPeerCodec> NewPlainPeerCodec();

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_PEER_CODEC_H_

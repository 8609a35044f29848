#ifndef SLUICE_APPS_ECHO_ECHO_HANDLER_H_
#define SLUICE_APPS_ECHO_ECHO_HANDLER_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "sluice/net/stream.h"

namespace sluice {

// Sends back what comes, as RFC 862 says. Reads no more than the peer takes
// back: what a connection holds in memory is the stream's high-water mark and
// one read at most. Bound to its stream's sequence.
class EchoHandler : public StreamHandler {
 public:
  size_t OnInput(Stream& stream, absl::string_view input) override;
  void OnWritable(Stream& stream) override;
  // Echoes what has arrived already, and finishes then.
  void OnDraining(Stream& stream) override;

 private:
  void ShutdownWriteIfSent(Stream& stream);

  bool draining_ = false;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_HANDLER_H_

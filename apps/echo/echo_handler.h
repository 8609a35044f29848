#ifndef SLUICE_APPS_ECHO_ECHO_HANDLER_H_
#define SLUICE_APPS_ECHO_ECHO_HANDLER_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "sluice/net/stream.h"

namespace sluice {

// A handler that sends back all input, as RFC 862 says. Half-closes after the
// peer, as every StreamHandler does by default. The stream stops reading while
// the peer does not read: a connection holds at most the stream's high-water
// mark and one read in memory. Sequence-bound to its stream.
class EchoHandler : public StreamHandler {
 public:
  size_t OnInput(Stream& stream, absl::string_view input) override;
  // Echoes the input that has arrived already, then closes.
  void OnDraining(Stream& stream) override;

 private:
  void CloseIfAllIsRead(Stream& stream);

  bool draining_ = false;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_HANDLER_H_

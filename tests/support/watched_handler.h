#ifndef SLUICE_TESTS_SUPPORT_WATCHED_HANDLER_H_
#define SLUICE_TESTS_SUPPORT_WATCHED_HANDLER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/stream.h"

namespace sluice {

// Counts of the calls to all watched handlers together (testonly).
// Thread-compatible.
struct HandlerCounts {
  uint64_t open() const { return made - closed; }
  uint64_t with(CloseReason reason) const {
    return by_reason[static_cast<size_t>(reason)];
  }

  uint64_t made = 0;
  uint64_t opened = 0;
  uint64_t closed = 0;
  uint64_t destroyed = 0;
  uint64_t consumed = 0;      // bytes
  uint64_t most_pending = 0;  // output bytes of one stream, after a call
  std::array<uint64_t, 9> by_reason = {};
};

// A handler that passes each call on to another handler, and expects the calls
// to be as net/stream.h promises: their order, their number, their arguments,
// and that no call comes inside another (testonly). Sequence-bound to its
// stream.
class WatchedHandler final : public StreamHandler {
 public:
  // `counts` outlives this.
  WatchedHandler(std::unique_ptr<StreamHandler> handler, HandlerCounts* counts);
  ~WatchedHandler() override;

  // Call this if the stream's owner destroys the stream before it has ended:
  // no further call is then expected.
  void Forget() { closed_ = true; }

  void OnOpen(Stream& stream) override;
  size_t OnInput(Stream& stream, absl::string_view input) override;
  void OnInputEnd(Stream& stream) override;
  void OnWritable(Stream& stream) override;
  void OnTimeout(Stream& stream) override;
  void OnDraining(Stream& stream) override;
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override;

 private:
  // Run before and after each call, except the last.
  void Enter();
  void Leave(const Stream& stream);

  const std::unique_ptr<StreamHandler> handler_;
  HandlerCounts& counts_;
  bool opened_ = false;
  bool input_ended_ = false;
  bool draining_ = false;
  bool closed_ = false;
  bool in_call_ = false;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_WATCHED_HANDLER_H_

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
  // Returns the number of handlers without OnClosed() so far.
  uint64_t open() const { return made - closed; }
  // Returns the number of calls of OnClosed() with `reason`.
  uint64_t with(CloseReason reason) const {
    return by_reason[static_cast<size_t>(reason)];
  }

  uint64_t made = 0;       // handlers
  uint64_t opened = 0;     // calls of OnOpen()
  uint64_t closed = 0;     // calls of OnClosed()
  uint64_t destroyed = 0;  // handlers
  uint64_t consumed = 0;   // bytes, the sum of the results of OnInput()
  // The most output bytes that were pending on one stream after a call.
  uint64_t most_pending = 0;
  std::array<uint64_t, 9> by_reason = {};  // `closed` by CloseReason
};

// A handler that passes each call on to another handler (testonly). Expects
// that the calls keep the promises of net/stream.h: their order, their number,
// their arguments, and that no call comes inside another. Expects OnClosed()
// before its destruction. Sequence-bound to its stream.
class WatchedHandler final : public StreamHandler {
 public:
  // Owns `handler`. `counts` outlives this.
  WatchedHandler(std::unique_ptr<StreamHandler> handler, HandlerCounts* counts);
  ~WatchedHandler() override;

  // Call this if the stream's owner destroys the stream before the stream has
  // ended. From then on, each call is a failure, and OnClosed() is not missed.
  void Forget() { closed_ = true; }

  void OnOpen(Stream& stream) override;
  size_t OnInput(Stream& stream, absl::string_view input) override;
  void OnInputEnd(Stream& stream) override;
  void OnWritable(Stream& stream) override;
  void OnTimeout(Stream& stream) override;
  void OnBufferFull(Stream& stream) override;
  void OnDraining(Stream& stream) override;
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override;

 private:
  // Run before and after each call, except OnClosed().
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

#ifndef SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_
#define SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/log/log_text.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Lines on their way to a writer, which may fail: what it did not take is kept,
// and offered again after 100 ms, then after twice as long, up to 10 s.
// Bounds nothing: whoever appends stops while lines wait. Thread-compatible,
// but for the counters, which any thread may read.
class LogOutput {
 public:
  // When the writer begins to fail, on_error(status) is called, or a line is
  // written to stderr if there is none.
  LogOutput(std::unique_ptr<LogWriter> writer, const Clock* clock,
            absl::AnyInvocable<void(const absl::Status&)> on_error);

  // Whole lines are to be appended here.
  LogText& text() { return text_; }
  // Bytes that the writer has not taken.
  size_t size() const { return text_.size() - written_; }

  // Offers them; OK if none are left. While the writer fails: its error, and
  // unless `now` it is asked again only when that is due.
  absl::Status Write(bool now = false);
  // LogWriter::Flush(). REQUIRES: nothing is left.
  absl::Status Flush();

  // What is left and `more_lines` will never be written: tells so, if there are
  // any.
  void GiveUp(size_t more_lines);

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  void OnError(absl::Status status);

  const std::unique_ptr<LogWriter> writer_;
  const Clock& clock_;
  absl::AnyInvocable<void(const absl::Status&)> on_error_;
  LogText text_;
  size_t written_ = 0;                           // of text_
  absl::Status status_;                          // of the last attempt
  absl::Duration delay_ = absl::ZeroDuration();  // after the next error
  MonotonicTime next_attempt_;
  std::atomic<uint64_t> bytes_{0}, errors_{0};
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_

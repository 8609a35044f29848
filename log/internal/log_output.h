#ifndef SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_
#define SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/base/counter.h"
#include "sluice/log/log_text.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {

// The buffer between the back end and a writer that may fail. Keeps the bytes
// that the writer did not take, and offers them again after 100 ms, and then
// after twice the delay each time, up to 10 s. Has no bound of its own: the
// caller must not append while bytes wait. Thread-compatible, except bytes()
// and errors(), which are thread-safe.
class LogOutput {
 public:
  // When the writer begins to fail, and in GiveUp(), calls on_error(status), or
  // prints a line on stderr if `on_error` is nullptr. REQUIRES: `writer` is not
  // null; `clock` outlives this object.
  LogOutput(std::unique_ptr<LogWriter> writer, const Clock* clock,
            absl::AnyInvocable<void(const absl::Status&)> on_error);

  // Returns the text to which the caller appends whole lines.
  LogText& text() { return text_; }
  // Returns the number of bytes that the writer has not taken.
  size_t size() const { return text_.size() - written_; }

  // Passes the bytes to the writer. Returns OK if none are left, else the
  // writer's last error; kInternal if the writer returned OK but left bytes.
  // After an error, calls the writer only when the delay has passed, or if
  // `now`.
  absl::Status Write(bool now = false);
  // Calls LogWriter::Flush() and returns its status. Counts an error, but does
  // not call on_error(). REQUIRES: size() == 0.
  absl::Status Flush();

  // Calls on_error() with the number of dropped lines, if there are any: the
  // lines in this buffer and `more_lines`.
  void GiveUp(size_t more_lines);

  uint64_t bytes() const { return bytes_.value(); }
  uint64_t errors() const { return errors_.value(); }

 private:
  void OnError(absl::Status status);

  const std::unique_ptr<LogWriter> writer_;
  const Clock& clock_;
  absl::AnyInvocable<void(const absl::Status&)> on_error_;
  LogText text_;
  size_t written_ = 0;                           // bytes of text_ written
  absl::Status status_;                          // result of the last attempt
  absl::Duration delay_ = absl::ZeroDuration();  // delay after the last error
  MonotonicTime next_attempt_;
  Counter bytes_, errors_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_OUTPUT_H_

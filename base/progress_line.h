#ifndef SLUICE_BASE_PROGRESS_LINE_H_
#define SLUICE_BASE_PROGRESS_LINE_H_

#include <unistd.h>

#include "absl/strings/string_view.h"

namespace sluice {

// A line on standard error about long work, rewritten in place. Shows nothing
// if standard error is not a terminal. Never waits: if the terminal takes no
// output (Ctrl-S), the work goes on. Thread-compatible.
class ProgressLine {
 public:
  explicit ProgressLine(bool terminal = isatty(STDERR_FILENO) == 1)
      : terminal_(terminal) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  // Calls Clear().
  ~ProgressLine() { Clear(); }

  bool terminal() const { return terminal_; }
  // Shows `text`, which has no line break, in place of the text before.
  void Show(absl::string_view text);
  // Removes the line. Call it before other output to the terminal.
  void Clear();

 private:
  const bool terminal_;
  bool shown_ = false;
};

}  // namespace sluice

#endif  // SLUICE_BASE_PROGRESS_LINE_H_

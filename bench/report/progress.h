#ifndef SLUICE_BENCH_REPORT_PROGRESS_H_
#define SLUICE_BENCH_REPORT_PROGRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// Tells on standard error how far a long run is: on a terminal in one line that
// is redrawn, elsewhere in a line for each new headline. Thread-compatible.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Leaves no trace on a terminal.
  ~Progress() { Clear(); }

  // "headline: detail"; the detail is for terminals.
  void Show(absl::string_view headline, absl::string_view detail);
  // Before anything else is written to that terminal.
  void Clear();

 private:
  const bool terminal_;
  std::string headline_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_PROGRESS_H_

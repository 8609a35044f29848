#ifndef SLUICE_BENCH_REPORT_PROGRESS_H_
#define SLUICE_BENCH_REPORT_PROGRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// A progress display on standard error for a long run: on a terminal one line
// that is redrawn, elsewhere a line for each new headline. Thread-compatible.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Clears the line on a terminal.
  ~Progress() { Clear(); }

  // Shows "headline: detail" on a terminal, or only the headline elsewhere.
  void Show(absl::string_view headline, absl::string_view detail);
  // Clears the line on a terminal. Call it before other output to that
  // terminal.
  void Clear();

 private:
  const bool terminal_;
  std::string headline_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_PROGRESS_H_

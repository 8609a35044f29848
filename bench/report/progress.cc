#include "sluice/bench/report/progress.h"

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace sluice {

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::Show(absl::string_view headline, absl::string_view detail) {
  if (terminal_) {
    const std::string line = absl::StrCat(headline, ": ", detail);
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  } else if (headline != headline_) {
    headline_ = std::string(headline);
    std::fprintf(stderr, "%s\n", headline_.c_str());
  }
}

void Progress::Clear() {
  if (terminal_) std::fprintf(stderr, "\r\x1b[K");
}

}  // namespace sluice

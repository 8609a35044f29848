#include "sluice/base/progress_line.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/base/standard_descriptors.h"

namespace sluice {

void ProgressLine::Show(absl::string_view text) {
  if (!terminal_) return;
  shown_ = true;
  WriteToStandardError(absl::StrCat("\r", text, "\x1b[K"),
                       absl::ZeroDuration());
}

void ProgressLine::Clear() {
  if (!std::exchange(shown_, false)) return;
  WriteToStandardError("\r\x1b[K", absl::ZeroDuration());
}

}  // namespace sluice

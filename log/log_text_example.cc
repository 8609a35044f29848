// A type that says how it is printed. AbslStringify() is a template, so that
// the type and its header do not depend on the log. This program calls it with
// a text of its own, as SLUICE_LOG(logger, kInfo, "moved to {}", point) does.

#include <cstdint>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/log_text.h"

namespace example {

struct Point {
  int32_t x;
  double height;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Point& point) {
  absl::Format(&sink, "x=%d height=%g", point.x, point.height);
}

}  // namespace example

int main() {
  sluice::FillStandardDescriptors();
  sluice::LogText text;
  text.Append("moved to ");
  AbslStringify(text, example::Point{-3, 0.25});
  text.AppendChar('\n');
  std::fwrite(text.view().data(), 1, text.size(), stdout);
  return sluice::FinishStandardOutput("log_text_example", 0);
}

// A type that says how the log prints it. The function is a template: the type
// and its header need nothing of the log. Here it is called with a text of its
// own; SLUICE_LOG(logger, kInfo, "moved to {}", point) calls it on the log's
// thread, with a copy of the point.

#include <cstdint>
#include <cstdio>

#include "sluice/base/standard_descriptors.h"
#include "sluice/log/log_text.h"

namespace example {

struct Point {
  int32_t x;
  double height;
};

template <typename Text>
void SluiceLogPrint(Text& text, const Point& point) {
  text.Append("x=");
  text.AppendDecimal(point.x);
  text.Append(" height=");
  text.AppendDouble(point.height);
}

}  // namespace example

int main() {
  sluice::FillStandardDescriptors();
  sluice::LogText text;
  text.Append("moved to ");
  SluiceLogPrint(text, example::Point{-3, 0.25});
  text.AppendChar('\n');
  std::fwrite(text.view().data(), 1, text.size(), stdout);
  return sluice::FinishStandardOutput("log_text_example", 0);
}

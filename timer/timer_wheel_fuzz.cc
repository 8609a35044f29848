#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"
#include "sluice/timer/timer_wheel_model.h"

// The bytes choose the calls. A choice among at most 256 things takes one byte,
// and a larger one eight. Past the end, all bytes are zero.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t next = 0;
  sluice::TimerWheelModel model([&](uint64_t bound) {
    uint64_t choice = 0;
    for (int i = bound <= 256 ? 1 : 8; i > 0 && next < size; --i) {
      choice = choice << 8 | data[next++];
    }
    return choice % bound;
  });
  while (next < size && !model.AtTheEndOfTime()) {
    const absl::Status difference = model.Step();
    if (difference.ok()) continue;
    std::fprintf(stderr, "%s\n", difference.ToString().c_str());
    std::abort();
  }
  return 0;
}

#include <cstdio>

#include "absl/time/time.h"
#include "sluice/timer/timer_wheel.h"

// A wheel reads no clock. This kitchen has its own time, in steps of ten
// seconds.
int main() {
  sluice::TimerWheel wheel(sluice::MonotonicTime{}, {.tick = absl::Seconds(1)});
  sluice::CallbackTimer tea([] { std::puts("the tea is ready"); });
  sluice::CallbackTimer egg([] { std::puts("the egg is ready"); });
  sluice::CallbackTimer phone([] { std::puts("call back"); });

  const sluice::MonotonicTime start = wheel.now();
  wheel.Arm(&egg, start + absl::Minutes(5));
  wheel.Arm(&phone, start + absl::Minutes(4));
  wheel.Arm(&tea, start + absl::Minutes(3));
  phone.Cancel();
  while (wheel.size() > 0) {
    wheel.AdvanceTo(wheel.now() + absl::Seconds(10));
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

// Uses a timer wheel in a program with a loop of its own: waits until the next
// deadline, then fires the timers that are due.

#include <cstdio>

#include "absl/time/time.h"
#include "sluice/base/mutex.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/repeating_timer.h"
#include "sluice/timer/timer_wheel.h"

int main() {
  sluice::FillStandardDescriptors();
  const sluice::Clock* const clock = sluice::Clock::Real();
  sluice::TimerWheel wheel(clock->Now());

  sluice::RepeatingTimer heartbeat(&wheel, [](uint64_t skipped) {
    std::printf("heartbeat, %d skipped\n", static_cast<int>(skipped));
  });
  heartbeat.Start(absl::Milliseconds(30));

  // One request is answered in time, and one is not.
  int timeouts = 0;
  sluice::CallbackTimer answered([&] { ++timeouts; });
  sluice::CallbackTimer lost([&] {
    ++timeouts;
    heartbeat.Stop();
  });
  wheel.Arm(&answered, clock->Now() + absl::Milliseconds(100));
  wheel.Arm(&lost, clock->Now() + absl::Milliseconds(100));
  answered.Cancel();

  // In a real program, other threads signal `more` when there is other work.
  sluice::Mutex mutex;
  sluice::CondVar more;
  while (wheel.size() > 0) {
    {
      sluice::MutexLock lock(&mutex);
      more.WaitWithTimeout(&mutex, wheel.NextDeadline() - clock->Now());
    }
    wheel.AdvanceTo(clock->Now());
  }
  std::printf("%d of 2 requests had no answer in 100 ms\n", timeouts);
  return sluice::FinishStandardOutput("timer_wheel_example", 0);
}

// Reports connections that have sent nothing for a minute. All connections
// together need one timer, and each message costs one store.

#include <cstdio>

#include "absl/time/time.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/timer_wheel.h"

namespace {

struct Connection : sluice::IdleEntry {
  explicit Connection(const char* n) : name(n) {}
  const char* const name;
};

}  // namespace

int main() {
  sluice::FillStandardDescriptors();
  // The program passes times to the wheel, so a minute takes no time here.
  const auto start = sluice::MonotonicTime::FromNanos(0);
  sluice::TimerWheel wheel(start);
  sluice::IdleList idle(
      &wheel, {.timeout = absl::Minutes(1)}, [&](sluice::IdleEntry* entry) {
        std::printf("%s is idle after %.0f s\n",
                    static_cast<Connection*>(entry)->name,
                    absl::ToDoubleSeconds(wheel.now() - start));
      });

  Connection quiet("quiet"), busy("busy"), gone("gone");
  for (Connection* connection : {&quiet, &busy, &gone}) idle.Add(connection);
  gone.Unlink();  // closed before it is idle

  for (int second = 1; wheel.size() > 0; ++second) {
    wheel.AdvanceTo(start + absl::Seconds(second));
    if (second <= 100) idle.Touch(&busy);  // a message
  }
  return sluice::FinishStandardOutput("idle_list_example", 0);
}

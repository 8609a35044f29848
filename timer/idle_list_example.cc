// Connections that are closed when nothing was heard of them for a minute: one
// timer for all of them, and a store for each message.

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
  // Time is whatever the wheel is told, so a minute takes no time here.
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
  gone.Unlink();  // closed by itself

  for (int second = 1; wheel.size() > 0; ++second) {
    wheel.AdvanceTo(start + absl::Seconds(second));
    if (second <= 100) idle.Touch(&busy);  // a message
  }
  return sluice::FinishStandardOutput("idle_list_example", 0);
}

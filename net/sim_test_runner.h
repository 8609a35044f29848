#ifndef SLUICE_NET_SIM_TEST_RUNNER_H_
#define SLUICE_NET_SIM_TEST_RUNNER_H_

#include "absl/functional/function_ref.h"
#include "sluice/net/sim_network.h"

namespace sluice {

// What RunSimTest() runs its body in.
struct SimTestWorlds {
  int seeds = 100;  // 1, 2, ...
  // Of each fault its probability at most: each seed draws which there are in
  // its world, and how often. The jitter likewise; the rest as it stands.
  SimNetwork::Options most = {};
};

// Runs `body` in a world for each seed, until googletest's assertions fail in
// one. Then it drops the faults of that world without which the body fails as
// well, one by one; runs it once more, so that the failures are seen; and says
// which faults are left, the last lines of the trace, and the command that
// repeats it. With SLUICE_SEED in the environment it runs that seed alone, and
// prints the whole trace.
//
// `body` leaves nothing behind: it is run again, and what it reports counts
// only the last time. For googletest; not inside of another one.
void RunSimTest(const SimTestWorlds& worlds,
                absl::FunctionRef<void(SimNetwork& network)> body);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_TEST_RUNNER_H_

#ifndef SLUICE_NET_SIM_SIM_TEST_RUNNER_H_
#define SLUICE_NET_SIM_SIM_TEST_RUNNER_H_

#include "absl/functional/function_ref.h"
#include "sluice/net/sim/sim_network.h"

namespace sluice {

// What RunSimTest() runs its body in.
struct SimTestWorlds {
  int seeds = 100;  // 1, 2, ...; at least one
  // Of each fault its probability at most: each seed draws which there are in
  // its world, and how often. The jitter likewise; the rest as it stands.
  SimNetwork::Options most = {};
};

// Runs `body` in a world for each seed, until googletest's assertions fail in
// one. Then it looks for a world with less that fails as well (drops faults,
// halves what is left; 50 runs or 10 s at most); runs `body` there once more,
// so that the failures are seen; and says which faults are left, the last lines
// of the trace, and the command that repeats it. What ends the process inside
// of `body`, such as a SLUICE_CHECK or a test's timeout, ends it with the seed
// and that command on standard error.
//
// The environment may say otherwise:
//   SLUICE_SEEDS=20000          that many seeds; or 500001-1000000: those
//   SLUICE_SEED=17              that seed alone, and prints the whole trace
//   SLUICE_FAULTS=loss=0.01     with SLUICE_SEED: these faults in place of
//   those
//                               that the seed draws, as failures say them
// What cannot be read there is a failure, as are `worlds` that are out of their
// range: SimNetwork::Check().
//
// Tells malloc(3) to keep up to 64 MiB that are free, for the next world.
// Prints how many seeds were run in which time, and records both as properties
// of the test, `seeds` and `seconds`. On a terminal, a long run shows how far
// it is.
//
// `body` leaves nothing behind: it is run again, and what it reports counts
// only the last time. Until then Test::HasFatalFailure() does not tell: it asks
// ASSERT_NO_FATAL_FAILURE() of what it calls. Its assertions are on this
// thread. For googletest; not inside of another one.
void RunSimTest(const SimTestWorlds& worlds,
                absl::FunctionRef<void(SimNetwork& network)> body);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TEST_RUNNER_H_

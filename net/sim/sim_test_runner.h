#ifndef SLUICE_NET_SIM_SIM_TEST_RUNNER_H_
#define SLUICE_NET_SIM_SIM_TEST_RUNNER_H_

#include "absl/functional/function_ref.h"
#include "sluice/net/sim/sim_network.h"

namespace sluice {

// The worlds in which RunSimTest() runs its body.
struct SimTestWorlds {
  int seeds = 100;  // seeds 1, 2, and so on; at least 1
  // The upper bounds of fault probabilities and of the jitter. Each seed draws
  // which faults its world has, their probabilities, and the jitter. Other
  // options are used unchanged.
  SimNetwork::Options most = {};
};

// Runs `body` in a world for each seed, until a googletest assertion fails in
// one world. Then it looks for fewer faults: it drops each fault without which
// that seed fails as well, and makes the others rarer if the seed still fails,
// in 110 runs and 10 s at most. It runs `body` again in the world that is left,
// and shows its failures, the faults, the last lines of the trace, and the
// command that repeats the run. If `body` does not fail again in that world,
// RunSimTest() reports this as a failure: the body depends on something
// outside. If `body` ends the process, for example by a SLUICE_CHECK or the
// test's timeout, the seed, its faults and the command that runs that seed are
// written to standard error.
//
// Environment variables change this:
//   SLUICE_SEEDS=20000            runs seeds 1 to 20000
//   SLUICE_SEEDS=500001-1000000   runs these seeds
//   SLUICE_SEED=17                runs that seed alone; prints the whole trace
//   SLUICE_FAULTS=loss=0.01       with SLUICE_SEED: uses these faults, in the
//                                 form that failures print, not drawn faults
// If a value cannot be parsed, or an option of `worlds` is out of range (see
// SimNetwork::Check()), the test fails.
//
// Makes malloc(3) keep up to 64 MiB of free memory for the next world. Prints
// the number of seeds and the time they took, and records both as properties of
// the test, `seeds` and `seconds`. On a terminal, a long run shows its
// progress.
//
// `body` must leave nothing behind, because it runs again. Only the failures of
// the last run count. In earlier runs, Test::HasFatalFailure() returns false:
// in `body`, use ASSERT_NO_FATAL_FAILURE() around functions that have
// assertions. Assertions must be on the calling thread. Call RunSimTest()
// inside a googletest test, and not inside another RunSimTest().
void RunSimTest(const SimTestWorlds& worlds,
                absl::FunctionRef<void(SimNetwork& network)> body);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TEST_RUNNER_H_

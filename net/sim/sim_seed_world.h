#ifndef SLUICE_NET_SIM_SIM_SEED_WORLD_H_
#define SLUICE_NET_SIM_SIM_SEED_WORLD_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Draws the faults and the jitter of a simulated world from a seed (testonly).
// All functions are thread-safe.

// Returns `most` with that seed and with drawn faults: the probability of about
// half of the faults is 0, and the others have a part of their probability in
// `most`. The jitter is a part of the jitter of `most`. One seed always gives
// the same result.
SimNetwork::Options DrawSimWorld(const SimNetwork::Options& most,
                                 uint64_t seed);

// Returns faults and jitter as one word: "loss=0.012,jitter=1.5ms", or "none".
std::string SimFaultsToText(const SimNetwork::Options& world);

// Returns `world` with the faults and the jitter that `text` names, and no
// others. Returns kInvalidArgument if `text` does not have the form of
// SimFaultsToText(), a probability is not from 0 to 1, or the jitter is
// negative.
absl::StatusOr<SimNetwork::Options> WithSimFaults(SimNetwork::Options world,
                                                  absl::string_view text);

// Looks for a world with fewer or rarer faults in which `fails` returns true as
// well. Each fault that is left is needed: without it, `fails` returned false.
// Its probability is that of `world`, or the first of 0.001, 0.01 and 0.1 with
// which `fails` returned true. The same holds for the jitter, with 1, 10 and
// 100 ms. Calls `fails` for at most 110 worlds, and not later than 10 s after
// the beginning: then the result may have faults that are not needed.
SimNetwork::Options ShrinkSimWorld(
    SimNetwork::Options world,
    absl::FunctionRef<bool(const SimNetwork::Options&)> fails,
    const Clock* clock);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SEED_WORLD_H_

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

// Returns `most` with that seed, with a part of each fault's probability, or 0
// for about half of the faults, and with a part of the jitter. One seed always
// gives the same result.
SimNetwork::Options DrawSimWorld(const SimNetwork::Options& most,
                                 uint64_t seed);

// Returns faults and jitter as one word: "loss=0.012,jitter=1.5ms", or "none".
std::string SimFaultsToText(const SimNetwork::Options& world);

// Returns `world` with the faults and the jitter that `text` names, and no
// others. Returns kInvalidArgument if `text` is not such a word.
absl::StatusOr<SimNetwork::Options> WithSimFaults(SimNetwork::Options world,
                                                  absl::string_view text);

// Looks for a world with fewer or rarer faults that `fails` as well: drops each
// fault and the jitter if it can, then halves the rest again and again. Returns
// `world` itself if it finds none. Tries at most 50 worlds, and starts none
// later than 10 s after the first.
SimNetwork::Options ShrinkSimWorld(
    SimNetwork::Options world,
    absl::FunctionRef<bool(const SimNetwork::Options&)> fails,
    const Clock* clock);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SEED_WORLD_H_

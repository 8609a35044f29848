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

// What a seed draws of a simulated world (testonly): its faults and its jitter.
// All functions are thread-safe.

// `most`, with a part of the probability of each fault, nothing for about half
// of them, and a part of the jitter. The same for the same seed.
SimNetwork::Options DrawSimWorld(const SimNetwork::Options& most,
                                 uint64_t seed);

// All of it in a word: "loss=0.012,jitter=1.5ms", or "none".
std::string SimFaultsToText(const SimNetwork::Options& world);

// `world` with the faults and the jitter that such a word names, and no others.
// kInvalidArgument if it is none.
absl::StatusOr<SimNetwork::Options> WithSimFaults(SimNetwork::Options world,
                                                  absl::string_view text);

// A world that `fails` as well, with less in it: drops each fault and the
// jitter if it can, then halves what is left, again and again. `world` itself
// if nothing can be spared. Tries 50 worlds at most, and begins none later than
// 10 s after the first.
SimNetwork::Options ShrinkSimWorld(
    SimNetwork::Options world,
    absl::FunctionRef<bool(const SimNetwork::Options&)> fails,
    const Clock* clock);

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SEED_WORLD_H_

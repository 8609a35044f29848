#include "sluice/net/sim/sim_seed_world.h"

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_wire.h"

namespace sluice {
namespace {

struct Fault {
  absl::string_view name;
  double SimFaults::*probability;
};

constexpr Fault kFaults[] = {
    {"short_count", &SimFaults::short_count},
    {"would_block", &SimFaults::would_block},
    {"interrupted", &SimFaults::interrupted},
    {"no_descriptors", &SimFaults::no_descriptors},
    {"no_memory", &SimFaults::no_memory},
    {"aborted", &SimFaults::aborted},
    {"spurious", &SimFaults::spurious},
    {"stall", &SimFaults::stall},
    {"loss", &SimFaults::loss},
    {"reset", &SimFaults::reset},
};
static_assert(sizeof(SimFaults) == sizeof(double) * std::size(kFaults),
              "name each fault");

constexpr absl::string_view kJitter = "jitter";
constexpr absl::string_view kNone = "none";

// Returns the number that the text of `number` stands for.
double Rounded(double number) {
  (void)absl::SimpleAtod(absl::StrCat(number), &number);
  return number;
}

// Sets the fault or jitter that `item` names. Returns false if there is none.
bool Set(SimNetwork::Options& world, absl::string_view item) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(item, absl::MaxSplits('=', 1));
  if (parts.first == kJitter) {
    return absl::ParseDuration(parts.second, &world.link.jitter) &&
           world.link.jitter >= absl::ZeroDuration();
  }
  for (const Fault& fault : kFaults) {
    if (fault.name != parts.first) continue;
    double& probability = world.faults.*fault.probability;
    return absl::SimpleAtod(parts.second, &probability) && probability >= 0 &&
           probability <= 1;
  }
  return false;
}

// A world has this many values to shrink: the faults, and then the jitter.
constexpr size_t kValues = std::size(kFaults) + 1;

// Returns the i-th value: a probability, or the jitter in seconds.
double Value(const SimNetwork::Options& world, size_t i) {
  return i < std::size(kFaults) ? world.faults.*kFaults[i].probability
                                : absl::ToDoubleSeconds(world.link.jitter);
}

SimNetwork::Options WithValue(SimNetwork::Options world, size_t i,
                              double value) {
  if (i < std::size(kFaults)) {
    world.faults.*kFaults[i].probability = value;
  } else {
    world.link.jitter = absl::Seconds(value);
  }
  return world;
}

}  // namespace

SimNetwork::Options DrawSimWorld(const SimNetwork::Options& most,
                                 uint64_t seed) {
  SimNetwork::Options world = most;
  world.seed = seed;
  SimRandom random(~seed);
  for (const Fault& fault : kFaults) {
    const bool there = random.Below(2) != 0;
    const double part =
        there ? static_cast<double>(1 + random.Below(1000)) / 1000 : 0;
    double& probability = world.faults.*fault.probability;
    probability = Rounded(probability * part);
  }
  world.link.jitter = random.UpTo(world.link.jitter);
  return world;
}

std::string SimFaultsToText(const SimNetwork::Options& world) {
  std::vector<std::string> items;
  for (const Fault& fault : kFaults) {
    const double probability = world.faults.*fault.probability;
    if (probability > 0) {
      items.push_back(absl::StrCat(fault.name, "=", probability));
    }
  }
  if (world.link.jitter > absl::ZeroDuration()) {
    items.push_back(
        absl::StrCat(kJitter, "=", absl::FormatDuration(world.link.jitter)));
  }
  return items.empty() ? std::string(kNone) : absl::StrJoin(items, ",");
}

absl::StatusOr<SimNetwork::Options> WithSimFaults(SimNetwork::Options world,
                                                  absl::string_view text) {
  world.faults = {};
  world.link.jitter = absl::ZeroDuration();
  if (text == kNone) return world;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    if (!Set(world, item)) {
      return absl::InvalidArgumentError(
          absl::StrCat("no fault of a simulated world: \"", item,
                       "\"; it must be like loss=0.01,jitter=1.5ms, or none"));
    }
  }
  return world;
}

SimNetwork::Options ShrinkSimWorld(
    SimNetwork::Options world,
    absl::FunctionRef<bool(const SimNetwork::Options&)> fails,
    const Clock* clock) {
  const MonotonicTime deadline = clock->Now() + absl::Seconds(10);
  // Lowers a value to `to`. Changes nothing and returns false if the value is
  // not above, or the world with it does not fail.
  const auto lower = [&](size_t i, double to) {
    if (Value(world, i) <= to || clock->Now() > deadline) return false;
    const SimNetwork::Options less = WithValue(world, i, to);
    if (!fails(less)) return false;
    world = less;
    return true;
  };
  // Drops values until each one that is left is needed.
  const auto drop = [&] {
    for (bool dropped = true; dropped;) {
      dropped = false;
      for (size_t i = 0; i < kValues; ++i) dropped |= lower(i, 0);
    }
  };
  drop();
  for (size_t i = 0; i < kValues; ++i) {
    (void)(lower(i, 0.001) || lower(i, 0.01) || lower(i, 0.1));
  }
  drop();  // beside lower values, others may no longer be needed
  return world;
}

}  // namespace sluice

#include "sluice/net/sim_test_runner.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "sluice/net/sim_random.h"
#include "sluice/net/sim_wire.h"

namespace sluice {
namespace {

using Body = absl::FunctionRef<void(SimNetwork& network)>;

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
    {"loss", &SimFaults::loss},
    {"reset", &SimFaults::reset},
};
static_assert(sizeof(SimFaults) == sizeof(double) * std::size(kFaults),
              "name each fault");

// The world of a seed.
SimNetwork::Options Draw(const SimNetwork::Options& most, uint64_t seed) {
  SimNetwork::Options options = most;
  options.seed = seed;
  SimRandom random(~seed);
  for (const Fault& fault : kFaults) {
    double& probability = options.faults.*fault.probability;
    probability *= random.Below(2) == 0
                       ? 0
                       : static_cast<double>(1 + random.Below(1000)) / 1000;
  }
  options.link.jitter = random.UpTo(options.link.jitter);
  return options;
}

// Whether the body fails there; nobody hears of it.
bool Fails(const SimNetwork::Options& options, Body body) {
  ::testing::TestPartResultArray failures;
  {
    ::testing::ScopedFakeTestPartResultReporter quiet(
        ::testing::ScopedFakeTestPartResultReporter::
            INTERCEPT_ONLY_CURRENT_THREAD,
        &failures);
    SimNetwork network(options);
    body(network);
  }
  for (int i = 0; i < failures.size(); ++i) {
    if (failures.GetTestPartResult(i).failed()) return true;
  }
  return false;
}

SimNetwork::Options WithFewerFaults(SimNetwork::Options options, Body body) {
  for (const Fault& fault : kFaults) {
    if (options.faults.*fault.probability == 0) continue;
    SimNetwork::Options fewer = options;
    fewer.faults.*fault.probability = 0;
    if (Fails(fewer, body)) options = fewer;
  }
  return options;
}

std::string FaultsOf(const SimNetwork::Options& options) {
  std::vector<std::string> faults;
  for (const Fault& fault : kFaults) {
    const double probability = options.faults.*fault.probability;
    if (probability > 0) {
      faults.push_back(absl::StrCat(fault.name, " ", probability));
    }
  }
  return faults.empty() ? "no faults" : absl::StrJoin(faults, ", ");
}

std::string CommandFor(uint64_t seed) {
  const char* const target = std::getenv("TEST_TARGET");  // set by bazel test
  const auto* const test =
      ::testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrCat(
      "bazel test ", target == nullptr ? "TARGET" : target, " --test_filter=",
      test == nullptr
          ? "*"
          : absl::StrCat(test->test_suite_name(), ".", test->name()),
      " --test_env=SLUICE_SEED=", seed, " --test_output=all");
}

std::string LastLines(const std::string& trace) {
  constexpr size_t kLines = 30;
  std::vector<absl::string_view> lines = absl::StrSplit(trace, '\n');
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return absl::StrJoin(lines, "\n");
}

// So that failures are seen, and what they need.
void Show(const SimNetwork::Options& options, Body body) {
  SCOPED_TRACE(absl::StrCat("seed ", options.seed, " fails with ",
                            FaultsOf(options),
                            "\nagain: ", CommandFor(options.seed)));
  SimNetwork network(options);
  body(network);
  ADD_FAILURE() << "the trace ends with\n" << LastLines(network.trace());
}

}  // namespace

void RunSimTest(const SimTestWorlds& worlds, Body body) {
  uint64_t seed;
  const char* const given = std::getenv("SLUICE_SEED");
  if (given != nullptr && absl::SimpleAtoi(given, &seed)) {
    SimNetwork::Options options = Draw(worlds.most, seed);
    options.trace = true;
    SimNetwork network(options);
    body(network);
    std::printf("seed %s: %s\n%s", given, FaultsOf(options).c_str(),
                network.trace().c_str());
    return;
  }
  for (int i = 1; i <= worlds.seeds; ++i) {
    SimNetwork::Options options = Draw(worlds.most, static_cast<uint64_t>(i));
    options.trace = false;
    if (!Fails(options, body)) continue;
    options = WithFewerFaults(options, body);
    options.trace = true;
    return Show(options, body);
  }
}

}  // namespace sluice

#include "sluice/net/sim/sim_test_runner.h"

#include <malloc.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "sluice/base/check_option.h"
#include "sluice/net/sim/sim_last_words.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_progress.h"
#include "sluice/net/sim/sim_seed_world.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using Body = absl::FunctionRef<void(SimNetwork& network)>;

// ---------------------------------------------------------------------------
// The environment
// ---------------------------------------------------------------------------

struct Seeds {
  uint64_t first, last;
};

absl::StatusOr<Seeds> ToSeeds(absl::string_view text) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, '-');
  Seeds seeds = {1, 0};
  const bool read = ends.size() == 1
                        ? absl::SimpleAtoi(text, &seeds.last)
                        : ends.size() == 2 &&
                              absl::SimpleAtoi(ends[0], &seeds.first) &&
                              absl::SimpleAtoi(ends[1], &seeds.last);
  if (read && seeds.first <= seeds.last && seeds.last < UINT64_MAX) {
    return seeds;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "SLUICE_SEEDS is \"", text,
      "\"; it must be a number of seeds, such as 20000, or a range, "
      "such as 500001-1000000"));
}

// Returns the world of SLUICE_SEED.
absl::StatusOr<SimNetwork::Options> ToWorld(absl::string_view seed_text,
                                            const SimNetwork::Options& most) {
  uint64_t seed;
  if (!absl::SimpleAtoi(seed_text, &seed)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SLUICE_SEED is \"", seed_text, "\"; it must be a number"));
  }
  const SimNetwork::Options drawn = DrawSimWorld(most, seed);
  const char* const faults = std::getenv("SLUICE_FAULTS");
  return faults == nullptr ? drawn : WithSimFaults(drawn, faults);
}

std::string CommandFor(uint64_t seed, absl::string_view faults) {
  const char* const target = std::getenv("TEST_TARGET");  // set by bazel test
  const auto* const test =
      ::testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrCat(
      "bazel test ", target == nullptr ? "TARGET" : target, " --test_filter=",
      test == nullptr
          ? "*"
          : absl::StrCat(test->test_suite_name(), ".", test->name()),
      " --test_env=SLUICE_SEED=", seed,
      faults.empty() ? "" : " --test_env=SLUICE_FAULTS=", faults,
      " --test_output=all");
}

// ---------------------------------------------------------------------------
// A failure
// ---------------------------------------------------------------------------

// Runs `body`, hides its failures, and returns true if there were any.
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

std::string LastLines(const std::string& trace) {
  constexpr size_t kLines = 30;
  std::vector<absl::string_view> lines = absl::StrSplit(trace, '\n');
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  return absl::StrJoin(lines, "\n");
}

// Runs `body` so that its failures are shown, and prints how to repeat them.
void Show(SimNetwork::Options options, Body body) {
  const std::string faults = SimFaultsToText(options);
  SCOPED_TRACE(absl::StrCat("seed ", options.seed, " fails with ", faults,
                            "\nagain: ", CommandFor(options.seed, faults)));
  options.trace = true;
  if (!Fails(options, body)) {
    ADD_FAILURE() << "the second run in the same world did not fail: the "
                     "test depends on something outside, such as a real "
                     "clock, an address or the state that a run leaves";
    return;
  }
  SimNetwork network(options);
  body(network);
  ADD_FAILURE() << "the trace ends with\n" << LastLines(network.trace());
}

// ---------------------------------------------------------------------------
// Runs
// ---------------------------------------------------------------------------

// Keeps freed memory for the next world. Returning it to the kernel took most
// of the time of a small world.
void KeepFreedMemory() {
  constexpr int kBytes = 32 << 20;
  (void)mallopt(M_MMAP_THRESHOLD, kBytes);
  (void)mallopt(M_TRIM_THRESHOLD, 2 * kBytes);
}

absl::Status RunAlone(absl::string_view seed, const SimNetwork::Options& most,
                      Body body) {
  absl::StatusOr<SimNetwork::Options> options = ToWorld(seed, most);
  if (!options.ok()) return options.status();
  options->trace = true;
  const std::string faults = SimFaultsToText(*options);
  SimLastWords words;
  words.SetText(absl::StrCat("seed ", options->seed, " ends the program with ",
                             faults, "\n"));
  SimNetwork network(*options);
  words.SetTrace(&network.trace());
  body(network);
  words.SetTrace(nullptr);
  std::printf("%sseed %s: %s\n", network.trace().c_str(),
              std::string(seed).c_str(), faults.c_str());
  return absl::OkStatus();
}

// Runs worlds until one fails.
absl::Status RunAll(const SimTestWorlds& worlds, Body body) {
  absl::StatusOr<Seeds> seeds = Seeds{1, static_cast<uint64_t>(worlds.seeds)};
  if (const char* const given = std::getenv("SLUICE_SEEDS")) {
    seeds = ToSeeds(given);
    if (!seeds.ok()) return seeds.status();
  }
  KeepFreedMemory();
  const Clock* const clock = Clock::Real();
  SimProgress progress(clock, seeds->last - seeds->first + 1,
                       isatty(STDERR_FILENO) == 1);
  SimLastWords words;
  for (uint64_t seed = seeds->first; seed <= seeds->last; ++seed) {
    SimNetwork::Options options = DrawSimWorld(worlds.most, seed);
    options.trace = false;
    words.SetText(absl::StrCat("\nseed ", seed, " ends the program with ",
                               SimFaultsToText(options),
                               "\nagain: ", CommandFor(seed, ""), "\n"));
    const bool fails = Fails(options, body);
    progress.Done(seed);
    if (!fails) continue;
    const auto fails_too = [&](const SimNetwork::Options& less) {
      return Fails(less, body);
    };
    options = ShrinkSimWorld(options, fails_too, clock);
    progress.Clear();
    Show(options, body);
    break;
  }
  progress.Clear();
  std::printf("%s\n", progress.Summary().c_str());
  ::testing::Test::RecordProperty("seeds", absl::StrCat(progress.done()));
  ::testing::Test::RecordProperty("seconds", absl::StrCat(progress.Seconds()));
  return absl::OkStatus();
}

}  // namespace

void RunSimTest(const SimTestWorlds& worlds, Body body) {
  const char* const seed = std::getenv("SLUICE_SEED");
  absl::Status status =
      CheckOption("SimTestWorlds: seeds", worlds.seeds, 1, INT_MAX);
  status.Update(SimNetwork::Check(worlds.most));
  if (status.ok()) {
    status = seed == nullptr ? RunAll(worlds, body)
                             : RunAlone(seed, worlds.most, body);
  }
  if (!status.ok()) ADD_FAILURE() << status.message();
}

}  // namespace sluice

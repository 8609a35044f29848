#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// Returns the output of sim_trace. A different environment moves the memory of
// its process.
std::string Trace(std::vector<std::string> environment) {
  auto program = Process::Start("tests/sim/sim_trace",
                                {.environment = std::move(environment)});
  EXPECT_THAT(program, IsOk());
  if (!program.ok()) return "";
  const auto ended = (*program)->Wait(absl::Minutes(1));
  EXPECT_THAT(ended, IsOk());
  if (!ended.ok()) return "";
  EXPECT_EQ(ended->exit_code, 0) << ended->error;
  return ended->output;
}

TEST(SimTraceTest, IsTheSameToTheByteInEachProcess) {
  const std::string first = Trace({});
  const std::string second =
      Trace({"SLUICE_OF_ANOTHER_SIZE=" + std::string(5000, 'x')});
  EXPECT_TRUE(first == second)
      << first.size() << " and " << second.size() << " bytes";
  // The trace contains the events that could differ between runs.
  for (const char* const text :
       {"server: crashes", "server: starts again", "near: crashes",
        "is accepted", "fails: ECONNRESET", "a worker runs task 4",
        "no worker runs task", "\"connections\""}) {
    EXPECT_THAT(first, HasSubstr(text));
  }
}

}  // namespace
}  // namespace sluice

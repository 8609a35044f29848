#include "sluice/net/sim/sim_last_words.h"

#include <signal.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::KilledBySignal;

// Ends this process while there is a text.
template <typename End>
void EndWith(std::string text, End end) {
  SimLastWords words;
  words.SetText(std::move(text));
  end();
}

// Returns true if `status` is that of a signal without a handler. Sanitizers
// handle some signals.
bool EndedBy(int signal, int status) {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  if (WIFEXITED(status)) return WEXITSTATUS(status) != 0;
#endif
  return KilledBySignal(signal)(status);
}

class SimLastWordsDeathTest : public ::testing::TestWithParam<int> {};

TEST_P(SimLastWordsDeathTest, AreSaidWhenASignalEndsTheProcess) {
  const int signal = GetParam();
  EXPECT_EXIT(
      EndWith("seed 17\n", [&] { raise(signal); }),
      [&](int status) { return EndedBy(signal, status); }, "seed 17");
}

INSTANTIATE_TEST_SUITE_P(Signals, SimLastWordsDeathTest,
                         ::testing::Values(SIGABRT, SIGBUS, SIGFPE, SIGILL,
                                           SIGSEGV, SIGTERM));

TEST(SimLastWordsSaidDeathTest, AfterACheckThatFails) {
  EXPECT_EXIT(EndWith("seed 17\n", [] { SLUICE_CHECK(false); }),
              KilledBySignal(SIGABRT), "CHECK failed: false(.|\n)*seed 17");
}

TEST(SimLastWordsSaidDeathTest, AfterABadAddress) {
  // The compiler warns about an address that it knows to be bad.
  volatile uintptr_t address = 16;
  EXPECT_EXIT(
      EndWith("seed 17\n",
              [&] { *reinterpret_cast<volatile int*>(address) = 1; }),
      [](int status) { return EndedBy(SIGSEGV, status); }, "seed 17");
}

TEST(SimLastWordsSaidDeathTest, AfterTheCurrentTrace) {
  EXPECT_EXIT(
      {
        std::string trace = "first\n";
        SimLastWords words;
        words.SetText("last\n");
        words.SetTrace(&trace);
        trace += "second\n";
        std::abort();
      },
      KilledBySignal(SIGABRT), "first\nsecond\nlast\n");
}

#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
TEST(SimLastWordsSaidDeathTest, AfterAFindingOfASanitizer) {
  EXPECT_EXIT(
      EndWith("seed 17\n",
              [] {
                auto* const freed = new volatile int(1);
                delete freed;
                *freed = 2;
              }),
      [](int status) { return EndedBy(SIGABRT, status); }, "seed 17");
}
#endif

TEST(SimLastWordsTest, AreSaidWhenAnExceptionPasses) {
  ::testing::internal::CaptureStderr();
  try {
    EndWith("seed 17\n", [] { throw 1; });
  } catch (int) {
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "seed 17\n");
}

TEST(SimLastWordsTest, LeaveEverythingAsItWas) {
  signal(SIGABRT, SIG_DFL);
  signal(SIGTERM, SIG_IGN);
  ::testing::internal::CaptureStderr();
  {
    SimLastWords words;
    words.SetText("seed 17\n");
    raise(SIGTERM);  // still ignored
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(signal(SIGABRT, SIG_DFL), SIG_DFL);
  EXPECT_EQ(signal(SIGTERM, SIG_DFL), SIG_IGN);
  const SimLastWords others;  // there may be another one now
}

TEST(SimLastWordsSaidDeathTest, OnlyOneMayExist) {
  EXPECT_DEATH(
      {
        const SimLastWords first;
        const SimLastWords second;
      },
      "living");
}

}  // namespace
}  // namespace sluice

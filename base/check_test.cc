#include "sluice/base/check.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(CheckTest, HoldingConditionContinues) {
  int evaluated = 0;
  SLUICE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckTest, HoldingComparisonsContinue) {
  int one = 0, two = 1;
  SLUICE_CHECK_EQ(++one, 1);
  SLUICE_CHECK_NE(one, ++two);
  SLUICE_CHECK_LT(one, two);
  SLUICE_CHECK_LE(one, 1);
  SLUICE_CHECK_GT(two, one);
  SLUICE_CHECK_GE(two, 2);
  EXPECT_EQ(one, 1) << "evaluated once";
  EXPECT_EQ(two, 2) << "evaluated once";
}

TEST(CheckTest, AMessageIsMadeOnFailureOnly) {
  int made = 0;
  const auto message = [&made] {
    ++made;
    return std::string("message");
  };
  SLUICE_CHECK(made == 0, message());
  SLUICE_CHECK_EQ(made, 0, message());
  EXPECT_EQ(made, 0);
}

TEST(CheckDeathTest, FailureNamesFileAndExpression) {
  const int two = 2;
  EXPECT_DEATH(SLUICE_CHECK(1 + 1 != two),
               "check_test.cc:[0-9]+: SLUICE_CHECK failed: 1 \\+ 1 != two\n$");
}

TEST(CheckDeathTest, FailureEndsWithTheMessage) {
  const int fd = 7;
  EXPECT_DEATH(SLUICE_CHECK(fd < 0, "is open"),
               "SLUICE_CHECK failed: fd < 0: is open\n$");
  EXPECT_DEATH(SLUICE_CHECK(fd < 0, absl::StrCat("descriptor ", fd)),
               "SLUICE_CHECK failed: fd < 0: descriptor 7\n$");
  EXPECT_DEATH(SLUICE_CHECK_LT(fd, 0, absl::StrCat("descriptor ", fd)),
               "SLUICE_CHECK failed: fd < 0 \\(7 and 0\\): descriptor 7\n$");
}

TEST(CheckDeathTest, AComparisonPrintsBothValues) {
  const int two = 2, three = 3;
  EXPECT_DEATH(SLUICE_CHECK_EQ(two, three),
               "check_test.cc:[0-9]+: SLUICE_CHECK failed: "
               "two == three \\(2 and 3\\)\n$");
  EXPECT_DEATH(SLUICE_CHECK_NE(two, 2), "two != 2 \\(2 and 2\\)");
  EXPECT_DEATH(SLUICE_CHECK_LT(two, 2), "two < 2 \\(2 and 2\\)");
  EXPECT_DEATH(SLUICE_CHECK_LE(three, two), "three <= two \\(3 and 2\\)");
  EXPECT_DEATH(SLUICE_CHECK_GT(two, three), "two > three \\(2 and 3\\)");
  EXPECT_DEATH(SLUICE_CHECK_GE(two, three), "two >= three \\(2 and 3\\)");
}

enum class Color : uint8_t { kRed = 1, kBlue = 2 };

TEST(CheckDeathTest, AComparisonPrintsValuesOfManyTypes) {
  const size_t most = SIZE_MAX;
  EXPECT_DEATH(SLUICE_CHECK_EQ(most, 0u), "18446744073709551615 and 0");
  EXPECT_DEATH(SLUICE_CHECK_EQ(INT64_MIN, int64_t{-1}),
               "-9223372036854775808 and -1");
  EXPECT_DEATH(SLUICE_CHECK_EQ(true, false), "true and false");
  EXPECT_DEATH(SLUICE_CHECK_EQ('a', '\n'), "97 and 10");
  EXPECT_DEATH(SLUICE_CHECK_LT(0.1, 2e-9), "0.1 and 2e-09");
  EXPECT_DEATH(SLUICE_CHECK_EQ(Color::kRed, Color::kBlue), "1 and 2");
  const std::string text = "a b";
  EXPECT_DEATH(SLUICE_CHECK_EQ(text, ""), "\\(a b and \\)");
  EXPECT_DEATH(SLUICE_CHECK_EQ(absl::string_view(text), "x"),
               "\\(a b and x\\)");
  EXPECT_DEATH(SLUICE_CHECK_LT(absl::Seconds(2), absl::Milliseconds(1)),
               "2s and 1ms");
  const int* const pointer = reinterpret_cast<const int*>(0x1234);
  EXPECT_DEATH(SLUICE_CHECK_EQ(pointer, nullptr), "0x1234 and nullptr");
}

TEST(CheckDeathTest, DcheckEvaluatesInDebugBuildsOnly) {
#ifdef NDEBUG
  int evaluated = 0;
  SLUICE_DCHECK(++evaluated == 0, "message");
  EXPECT_EQ(evaluated, 0);
#else
  EXPECT_DEATH(SLUICE_DCHECK(false), "SLUICE_CHECK failed: false\n$");
  EXPECT_DEATH(SLUICE_DCHECK(false, "message"),
               "SLUICE_CHECK failed: false: message\n$");
#endif
}

}  // namespace
}  // namespace sluice

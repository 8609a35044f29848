#include "sluice/log/log_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

// Returns the text that `append` appends.
template <typename Append>
std::string Appended(Append append) {
  LogText text;
  append(text);
  return std::string(text.view());
}

TEST(LogText, IsEmptyAtFirst) {
  const LogText text;
  EXPECT_EQ(text.size(), 0u);
  EXPECT_EQ(text.view(), "");
}

TEST(LogText, KeepsItsTextWhileItGrows) {
  LogText text;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<size_t>(i % 37), 'a' + i % 26);
    text.Append(piece);
    text.AppendChar('.');
    text.Append(static_cast<size_t>(i % 5), '-');
    absl::StrAppend(&expected, piece, ".", std::string(i % 5, '-'));
    ASSERT_EQ(text.view(), expected);
    ASSERT_EQ(text.size(), expected.size());
  }
}

TEST(LogText, AppendsAPieceLargerThanItself) {
  LogText text;
  text.AppendChar('a');
  const std::string large(100'000, 'x');
  text.Append(large);
  EXPECT_EQ(text.view(), "a" + large);
}

TEST(LogText, AppendsNothingWithoutMemory) {
  LogText text;
  text.Append({});
  text.Append(0, 'x');
  EXPECT_EQ(text.view(), "");
}

TEST(LogText, IsASinkOfAbslFormat) {
  LogText text;
  text.Append("a");
  absl::Format(&text, "%03d%5s", 7, "b");
  EXPECT_EQ(text.view(), "a007    b");
}

TEST(LogText, KeepsItsMemoryWhenCleared) {
  LogText text;
  text.Append(std::string(1000, 'x'));
  const char* const address = text.view().data();
  text.Clear();
  EXPECT_EQ(text.view(), "");
  text.Append(std::string(1000, 'y'));
  EXPECT_EQ(text.view().data(), address);
}

TEST(LogText, TruncateKeepsTheFront) {
  LogText text;
  text.Append("abcdef");
  text.Truncate(2);
  text.Append("X");
  EXPECT_EQ(text.view(), "abX");
}

TEST(LogText, AppendsDecimals) {
  const auto decimal = [](auto value) {
    return Appended([&](LogText& text) { text.AppendDecimal(value); });
  };
  EXPECT_EQ(decimal(0), "0");
  EXPECT_EQ(decimal(INT32_MIN), "-2147483648");
  EXPECT_EQ(decimal(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(decimal(UINT64_MAX), "18446744073709551615");
}

TEST(LogText, AppendsPaddedDecimals) {
  const auto padded = [](uint32_t value, int digits) {
    return Appended([&](LogText& text) { text.AppendPadded(value, digits); });
  };
  EXPECT_EQ(padded(42, 6), "000042");
  EXPECT_EQ(padded(0, 1), "0");
  EXPECT_EQ(padded(1234, 2), "34");
  EXPECT_EQ(padded(7, 0), "");
}

TEST(LogText, AppendsHexadecimals) {
  const auto hex = [](uint64_t value) {
    return Appended([&](LogText& text) { text.AppendHex(value); });
  };
  EXPECT_EQ(hex(0), "0");
  EXPECT_EQ(hex(0xdeadbeef), "deadbeef");
  EXPECT_EQ(hex(UINT64_MAX), "ffffffffffffffff");
}

// Returns the text that LogText::AppendDouble() must append.
template <typename Float>
std::string Shortest(Float value) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + 64, value).ptr};
}

std::string Double(double value) {
  return Appended([&](LogText& text) { text.AppendDouble(value); });
}

TEST(LogText, AppendsTheShortestDigitsOfADouble) {
  using Limits = std::numeric_limits<double>;
  EXPECT_EQ(Double(0.0), "0");
  EXPECT_EQ(Double(-0.0), "-0");
  EXPECT_EQ(Double(2.5), "2.5");
  EXPECT_EQ(Double(-0.1), "-0.1");
  EXPECT_EQ(Double(100), "100");
  EXPECT_EQ(Double(1e5), "1e+05");
  EXPECT_EQ(Double(0.001), "0.001");
  EXPECT_EQ(Double(0.0001), "1e-04");
  EXPECT_EQ(Double(0.00012), "0.00012");
  EXPECT_EQ(Double(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Double(Limits::lowest()), "-1.7976931348623157e+308");
  EXPECT_EQ(Double(Limits::denorm_min()), "5e-324");
  EXPECT_EQ(Double(Limits::infinity()), "inf");
  EXPECT_EQ(Double(-Limits::infinity()), "-inf");
  EXPECT_EQ(Double(Limits::quiet_NaN()), "nan");
  EXPECT_EQ(Double(-Limits::quiet_NaN()), "-nan");
}

TEST(LogText, AppendsTheShortestDigitsOfAFloat) {
  const auto digits = [](float value) {
    return Appended([&](LogText& text) { text.AppendFloat(value); });
  };
  EXPECT_EQ(digits(0.1f), "0.1");
  EXPECT_EQ(digits(16777216.0f), "16777216");
}

// Tries numbers with few digits after the point, their neighbours, and random
// bits.
TEST(LogText, AppendsAnyDoubleAsToCharsDoes) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  const double infinity = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 50'000; ++i) {
    const double integer = static_cast<double>(random() >> (random() % 64));
    const double decimal = integer / std::pow(10, random() % 10);
    double any;
    const uint64_t bits = random();
    std::memcpy(&any, &bits, sizeof(any));
    for (double value : {integer, decimal, std::nextafter(decimal, infinity),
                         std::nextafter(decimal, 0.0), -decimal, any}) {
      ASSERT_EQ(Double(value), Shortest(value));
    }
  }
}

}  // namespace
}  // namespace sluice

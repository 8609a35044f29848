#include "sluice/log/internal/log_args.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/internal/log_value.h"
#include "sluice/log/log_text.h"

namespace sluice {

struct Made {
  std::string name;
};
std::string SluiceLogCopy(const Made& made) { return made.name; }

namespace {

// Returns the printed `args`, each argument in brackets.
template <typename... Args>
std::string Printed(const LogArgs<Args...>& args) {
  const auto bytes = std::make_unique<char[]>(args.size());
  args.CopyTo(bytes.get());
  LogText text;
  [[maybe_unused]] const char* from = bytes.get();
  [[maybe_unused]] const auto print = [&](auto value) {
    text.AppendChar('[');
    from = decltype(value)::type::Print(from, LogSpec(), text);
    text.AppendChar(']');
  };
  (print(std::type_identity<log_internal::LogValue<Args>>()), ...);
  EXPECT_EQ(from, bytes.get() + args.size());
  return std::string(text.view());
}

TEST(LogArgs, MayBeNone) {
  const LogArgs<> args;
  EXPECT_EQ(args.size(), 0u);
  EXPECT_EQ(Printed(args), "");
}

TEST(LogArgs, AreCopiedOneAfterTheOther) {
  const std::string peer = "peer";
  const LogArgs args(1, 2.5, peer, 'c');
  EXPECT_EQ(args.size(), 4u + 8 + (4 + 4) + 1);
  EXPECT_EQ(Printed(args), "[1][2.5][peer][c]");
}

TEST(LogArgs, HaveTheValuesOfTheTimeOfTheCopy) {
  std::string text = "before";
  int number = 1;
  const LogArgs args(number, text);
  const auto bytes = std::make_unique<char[]>(args.size());
  args.CopyTo(bytes.get());
  number = 2;
  text = "behind";
  int copied;
  std::memcpy(&copied, bytes.get(), sizeof(copied));
  EXPECT_EQ(copied, 1);
  EXPECT_EQ(absl::string_view(bytes.get() + 8, 6), "before");
}

TEST(LogArgs, MeasureEachStringOnce) {
  char text[] = "abc";
  const char* const pointer = text;
  const LogArgs args(pointer);
  const size_t size = args.size();
  text[1] = '\0';
  EXPECT_EQ(args.size(), size);
  EXPECT_EQ(Printed(args), std::string("[a\0c]", 5));
}

TEST(LogArgs, KeepStringsThatWereMadeForThem) {
  const Made made{std::string(100, 'x')};
  const LogArgs args(made, made);
  const std::string expected = "[" + made.name + "]";
  EXPECT_EQ(Printed(args), expected + expected);
}

TEST(LogArgs, TruncateOnlyTheLongestStrings) {
  const std::string long1(1000, 'a');
  const std::string long2(500, 'b');
  LogArgs args(7, "short", long1, Made{long2});
  args.Truncate(100);
  EXPECT_LE(args.size(), 100u);
  // 21 of the 100 bytes are for the int, three lengths and "short": 79 are
  // left.
  EXPECT_EQ(Printed(args), "[7][short][" + std::string(39, 'a') +
                               "[truncated]][" + std::string(39, 'b') +
                               "[truncated]]");
}

TEST(LogArgs, AreTruncatedNoMoreThanNecessary) {
  const std::string text(100, 'a');
  LogArgs args(text);
  args.Truncate(104);
  EXPECT_EQ(Printed(args), "[" + text + "]");
  args.Truncate(103);
  EXPECT_EQ(args.size(), 103u);
  EXPECT_EQ(Printed(args), "[" + std::string(99, 'a') + "[truncated]]");
}

TEST(LogArgs, TruncateStringsToNothingIfOthersTakeAllRoom) {
  LogArgs args(1.0, "text", 2.0);
  args.Truncate(10);
  EXPECT_EQ(args.size(), 20u);
  EXPECT_EQ(Printed(args), "[1][[truncated]][2]");
}

TEST(LogArgs, WithoutStringsAreNotTruncated) {
  LogArgs args(1.0, 2);
  args.Truncate(3);
  EXPECT_EQ(args.size(), 12u);
}

}  // namespace
}  // namespace sluice

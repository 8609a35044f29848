#include "sluice/log/internal/log_value.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/internal/log_value_model.h"
#include "sluice/log/log_text.h"

namespace sluice {

enum class Plain : int8_t { kLowest = -128 };
enum class Letter : char { kA = 'A' };
enum class Truth : bool { kTrue = true };

// Types of a user, with the functions that log_value.h asks for.

// Prints itself as types do for newer versions of Abseil.
struct Point {
  int x;
  int y;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Point& point) {
  absl::Format(&sink, "(%d, %d)", point.x, point.y);
}

struct Label {
  absl::string_view text;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Label& label) {
  sink.Append(2, '*');
  sink.Append(label.text);
}

// The same, copied by the caller and printed later.
struct Copied {
  const std::string* name;
};

const Copied& SluiceLogCopy(const Copied& copied) { return copied; }
template <typename Sink>
void AbslStringify(Sink& sink, const Copied& copied) {
  sink.Append(*copied.name);
}

// Without a default constructor.
class Percent {
 public:
  explicit Percent(int value) : value_(value) {}
  int value() const { return value_; }

 private:
  int value_;
};

Percent SluiceLogCopy(const Percent& percent) { return percent; }
template <typename Sink>
void AbslStringify(Sink& sink, const Percent& percent) {
  sink.Append(absl::StrCat(percent.value(), "%"));
}

enum class Color { kRed };

template <typename Sink>
void AbslStringify(Sink& sink, Color) {
  sink.Append("red");
}

struct Session {
  uint64_t id = 0;
};
uint64_t SluiceLogCopy(const Session& session) { return session.id; }

struct Named {
  std::string name;
};
const std::string& SluiceLogCopy(const Named& named) { return named.name; }

struct Viewed {
  std::string name;
};
absl::string_view SluiceLogCopy(const Viewed& viewed) { return viewed.name; }

struct Made {
  std::string name;
};
std::string SluiceLogCopy(const Made& made) { return made.name + "!"; }

struct Shape {
  std::vector<Point> points;
};
Point SluiceLogCopy(const Shape& shape) { return shape.points.at(0); }

struct Failed {};
absl::Status SluiceLogCopy(const Failed&) {
  return absl::NotFoundError("no such");
}

// Returns an object that cannot be copied byte by byte.
struct Renamed {
  std::string name;
};
Renamed SluiceLogCopy(const Renamed& renamed) { return {renamed.name + "!"}; }
template <typename Sink>
void AbslStringify(Sink& sink, const Renamed& renamed) {
  sink.Append(renamed.name);
}

struct Converts {
  operator absl::string_view() const { return "converted"; }
};

namespace {

using log_internal::LogOwnString;
using log_internal::LogString;
using log_internal::LogValue;
using log_internal::LogValueOf;

// Copies `value` to unaligned memory of exactly its size, and prints it from
// there.
template <typename T>
std::string Printed(const T& value, const LogSpec& spec = {}) {
  const auto logged = LogValueOf(value);
  const size_t size = logged.size();
  const auto bytes = std::make_unique<char[]>(size + 1);
  EXPECT_EQ(logged.CopyTo(bytes.get() + 1), bytes.get() + 1 + size);
  LogText text;
  EXPECT_EQ(LogValue<T>::Print(bytes.get() + 1, spec, text),
            bytes.get() + 1 + size);
  return std::string(text.view());
}

TEST(LogValue, PrintsNumbers) {
  EXPECT_EQ(Printed(int8_t{-128}), "-128");
  EXPECT_EQ(Printed(uint8_t{255}), "255");
  EXPECT_EQ(Printed(int16_t{-32768}), "-32768");
  EXPECT_EQ(Printed(uint16_t{65535}), "65535");
  EXPECT_EQ(Printed(-1), "-1");
  EXPECT_EQ(Printed(4294967295u), "4294967295");
  EXPECT_EQ(Printed(std::numeric_limits<long>::min()), "-9223372036854775808");
  EXPECT_EQ(Printed(std::numeric_limits<unsigned long long>::max()),
            "18446744073709551615");
  EXPECT_EQ(Printed(0.1f), "0.1");
  EXPECT_EQ(Printed(0.1), "0.1");
  EXPECT_EQ(Printed(1e300), "1e+300");
}

TEST(LogValue, ReadsAVolatile) {
  volatile char letter = 'x';
  const char* volatile pointer = "text";
  EXPECT_EQ(Printed(letter), "x");
  EXPECT_EQ(Printed(pointer), "text");
}

TEST(LogValue, PrintsBoolAndCharAsWordAndCharacter) {
  EXPECT_EQ(Printed(true), "true");
  EXPECT_EQ(Printed(false), "false");
  EXPECT_EQ(Printed('x'), "x");
}

TEST(LogValue, PrintsEnumsAsNumbers) {
  EXPECT_EQ(Printed(Plain::kLowest), "-128");
  EXPECT_EQ(Printed(Letter::kA), "65");
  EXPECT_EQ(Printed(Truth::kTrue), "1");
  EXPECT_EQ(Printed(std::byte{7}), "7");
}

TEST(LogValue, PrintsAllKindsOfStrings) {
  const char* const pointer = "pointer";
  char array[] = "array";
  char* const changeable = array;
  EXPECT_EQ(Printed(pointer), "pointer");
  EXPECT_EQ(Printed(changeable), "array");
  EXPECT_EQ(Printed(array), "array");
  EXPECT_EQ(Printed("literal"), "literal");
  EXPECT_EQ(Printed(std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(Printed(absl::string_view("view")), "view");
  EXPECT_EQ(Printed(absl::string_view()), "");
  EXPECT_EQ(Printed(std::string()), "");
  EXPECT_EQ(Printed(Converts()), "converted");
}

TEST(LogValue, ReadsAnArrayUpToItsFirstNul) {
  const char full[3] = {'a', 'b', 'c'};
  EXPECT_EQ(Printed(full), "abc");
  const char early[6] = {'a', 0, 'c', 'd', 'e', 'f'};
  EXPECT_EQ(Printed(early), "a");
  EXPECT_EQ(Printed("a\0b"), "a");
}

TEST(LogValue, PrintsPointers) {
  const char* const no_string = nullptr;
  char* const no_buffer = nullptr;
  EXPECT_EQ(Printed(no_string), "(null)");
  EXPECT_EQ(Printed(no_buffer), "(null)");
  EXPECT_EQ(Printed(nullptr), "0x0");
  EXPECT_EQ(Printed(reinterpret_cast<const void*>(0x7ffe01)), "0x7ffe01");
  EXPECT_EQ(Printed(reinterpret_cast<void*>(UINTPTR_MAX)),
            "0xffffffffffffffff");
}

TEST(LogValue, PrintsTimes) {
  const absl::Time time = absl::FromCivil(
      absl::CivilSecond(2026, 11, 21, 20, 15, 37), absl::UTCTimeZone());
  EXPECT_EQ(Printed(time), "2026-11-21T20:15:37Z");
  EXPECT_EQ(Printed(time + absl::Microseconds(123456)),
            "2026-11-21T20:15:37.123456Z");
  EXPECT_EQ(Printed(absl::InfiniteFuture()), "infinite-future");
  EXPECT_EQ(Printed(absl::Microseconds(1500)), "1.5ms");
  EXPECT_EQ(Printed(-absl::InfiniteDuration()), "-inf");
}

TEST(LogValue, PrintsStatuses) {
  EXPECT_EQ(Printed(absl::OkStatus()), "OK");
  EXPECT_EQ(Printed(absl::NotFoundError("no such file")),
            "NOT_FOUND: no such file");
  EXPECT_EQ(Printed(absl::StatusCode::kNotFound), "NOT_FOUND");
}

TEST(LogValue, PrintsTypesThatHaveAbslStringify) {
  EXPECT_EQ(Printed(Point{1, -2}), "(1, -2)");
  EXPECT_EQ(Printed(Point{1, -2}, {.width = 8}), "(1, -2) ");
  EXPECT_EQ(Printed(Label{"label"}), "**label");
  EXPECT_EQ(Printed(Color::kRed), "red");
}

// Makes a LogValue, calls `change`, and returns the printed LogValue.
template <typename T, typename Change>
std::string PrintedAfter(const T& value, Change change) {
  const auto logged = LogValueOf(value);
  change();
  const auto bytes = std::make_unique<char[]>(logged.size());
  logged.CopyTo(bytes.get());
  LogText text;
  LogValue<T>::Print(bytes.get(), {}, text);
  return std::string(text.view());
}

TEST(LogValue, AbslStringifyIsCalledByTheCaller) {
  std::string name = "old";
  EXPECT_EQ(PrintedAfter(Label{name}, [&] { name[0] = 'X'; }), "**old");
}

TEST(LogValue, AbslStringifyIsCalledLaterForTheResultOfSluiceLogCopy) {
  std::string name = "old";
  EXPECT_EQ(PrintedAfter(Copied{&name}, [&] { name = "new"; }), "new");
  static_assert(LogValue<Copied>::kKind == LogKind::kOther);
}

TEST(LogValue, PrintsTheResultOfSluiceLogCopy) {
  EXPECT_EQ(Printed(Session{42}), "42");
  EXPECT_EQ(Printed(Named{"name"}), "name");
  EXPECT_EQ(Printed(Viewed{"view"}), "view");
  EXPECT_EQ(Printed(Shape{{{3, 4}}}), "(3, 4)");
  EXPECT_EQ(Printed(Failed()), "NOT_FOUND: no such");
  EXPECT_EQ(Printed(Percent(99)), "99%");
  EXPECT_EQ(Printed(Renamed{"name"}), "name!");
}

TEST(LogValue, KeepsAStringThatSluiceLogCopyMade) {
  // A long string has its own memory; a short one is inside the object.
  for (size_t size : {3, 100}) {
    const std::string name(size, 'x');
    EXPECT_EQ(Printed(Made{name}), name + "!");
  }
  static_assert(std::is_same_v<LogValue<Made>, LogOwnString>);
}

TEST(LogValue, DoesNotCopyStringsBeforeCopyTo) {
  static_assert(std::is_same_v<LogValue<std::string>, LogString>);
  static_assert(std::is_same_v<LogValue<Named>, LogString>);
  static_assert(std::is_same_v<LogValue<Viewed>, LogString>);
}

TEST(LogValue, TakesTheSizeOfItsTypeAndFourBytesForALength) {
  EXPECT_EQ(LogValueOf(int8_t{1}).size(), 1u);
  EXPECT_EQ(LogValueOf(1.0).size(), 8u);
  EXPECT_EQ(LogValueOf(Copied{}).size(), sizeof(Copied));
  EXPECT_EQ(LogValueOf("12345").size(), 4u + 5);
  EXPECT_EQ(LogValueOf(std::string()).size(), 4u);
}

TEST(LogValue, HasTheKindOfTheCopiedValue) {
  EXPECT_EQ(LogValue<bool>::kKind, LogKind::kBool);
  EXPECT_EQ(LogValue<char>::kKind, LogKind::kChar);
  EXPECT_EQ(LogValue<signed char>::kKind, LogKind::kInteger);
  EXPECT_EQ(LogValue<Letter>::kKind, LogKind::kInteger);
  EXPECT_EQ(LogValue<float>::kKind, LogKind::kFloat);
  EXPECT_EQ(LogValue<char[5]>::kKind, LogKind::kString);
  EXPECT_EQ(LogValue<absl::Status>::kKind, LogKind::kString);
  EXPECT_EQ(LogValue<std::nullptr_t>::kKind, LogKind::kPointer);
  EXPECT_EQ(LogValue<absl::Duration>::kKind, LogKind::kOther);
  EXPECT_EQ(LogValue<absl::StatusCode>::kKind, LogKind::kOther);
  EXPECT_EQ(LogValue<Point>::kKind, LogKind::kString);
  EXPECT_EQ(LogValue<Percent>::kKind, LogKind::kOther);
  EXPECT_EQ(LogValue<Session>::kKind, LogKind::kInteger);
  EXPECT_EQ(LogValue<Made>::kKind, LogKind::kString);
}

TEST(LogValue, AlignsAndFills) {
  EXPECT_EQ(Printed(42, {.width = 5}), "   42");
  EXPECT_EQ(Printed("ab", {.width = 5}), "ab   ");
  EXPECT_EQ(Printed(true, {.width = 5}), "true ");
  EXPECT_EQ(Printed('c', {.width = 3}), "c  ");
  EXPECT_EQ(Printed(nullptr, {.width = 5}), "  0x0");
  EXPECT_EQ(Printed("ab", {.align = '>', .width = 5}), "   ab");
  EXPECT_EQ(Printed(42, {.align = '<', .width = 5}), "42   ");
  EXPECT_EQ(Printed(12345, {.width = 3}), "12345");
}

TEST(LogValue, FillsWithZerosAfterTheSign) {
  EXPECT_EQ(Printed(-42, {.zero = true, .width = 6}), "-00042");
  EXPECT_EQ(
      Printed(-10, {.type = 'x', .alternate = true, .zero = true, .width = 7}),
      "-0x000a");
  EXPECT_EQ(Printed(-1.5, {.zero = true, .width = 6}), "-001.5");
  // Values that are not numbers have no zeros.
  EXPECT_EQ(Printed(-INFINITY, {.zero = true, .width = 6}), "  -inf");
}

TEST(LogValue, PrintsIntegersInHexadecimal) {
  EXPECT_EQ(Printed(255, {.type = 'x'}), "ff");
  EXPECT_EQ(Printed(255, {.type = 'X', .alternate = true}), "0XFF");
  EXPECT_EQ(Printed(0, {.type = 'x', .alternate = true}), "0x0");
  EXPECT_EQ(Printed(INT64_MIN, {.type = 'x'}), "-8000000000000000");
  EXPECT_EQ(Printed(UINT64_MAX, {.type = 'x'}), "ffffffffffffffff");
}

TEST(LogValue, PrintsFloatingPointWithAPrecision) {
  EXPECT_EQ(Printed(3.14159, {.precision = 3}), "3.14");
  EXPECT_EQ(Printed(3.14159, {.type = 'f', .precision = 3}), "3.142");
  EXPECT_EQ(Printed(3.14159, {.type = 'e', .precision = 1}), "3.1e+00");
  EXPECT_EQ(Printed(2.0, {.type = 'f'}), "2.000000");
  EXPECT_EQ(Printed(2.0, {.type = 'g'}), "2");
  EXPECT_EQ(Printed(-0.0, {.type = 'f', .precision = 0}), "-0");
  // The longest number: 309 digits, a point, 255 digits.
  EXPECT_EQ(Printed(std::numeric_limits<double>::lowest(),
                    {.type = 'f', .precision = 255})
                .size(),
            1u + 309 + 1 + 255);
}

TEST(LogValue, CountsCharactersAndNotBytes) {
  const char* const word = "\xc3\xa9t\xc3\xa9";  // e acute, t, e acute
  EXPECT_EQ(Printed(word, {.width = 4}), absl::StrCat(word, " "));
  EXPECT_EQ(Printed(word, {.precision = 2}), "\xc3\xa9t");
  EXPECT_EQ(Printed(word, {.precision = 3}), word);
  EXPECT_EQ(Printed(word, {.precision = 0}), "");
}

// Truncates `value` to at most `max` bytes, and returns it printed.
std::string PrintedTruncated(absl::string_view value, size_t max,
                             const LogSpec& spec = {}) {
  LogString logged(value);
  logged.Truncate(max);
  EXPECT_LE(logged.length(), max);
  const auto bytes = std::make_unique<char[]>(logged.size());
  logged.CopyTo(bytes.get());
  LogText text;
  LogString::Print(bytes.get(), spec, text);
  return std::string(text.view());
}

TEST(LogValue, ShowsWhereItIsTruncated) {
  EXPECT_EQ(PrintedTruncated("abcdef", 3), "abc[truncated]");
  EXPECT_EQ(PrintedTruncated("abcdef", 0), "[truncated]");
  EXPECT_EQ(PrintedTruncated("abcdef", 6), "abcdef");
  EXPECT_EQ(PrintedTruncated("", 0), "");
  EXPECT_EQ(PrintedTruncated("abcdef", 3, {.width = 15}), "abc[truncated] ");
}

TEST(LogValue, DoesNotShowTruncationAfterItsPrecision) {
  EXPECT_EQ(PrintedTruncated("abcdef", 3, {.precision = 2}), "ab");
  EXPECT_EQ(PrintedTruncated("abcdef", 3, {.precision = 3}), "abc");
  EXPECT_EQ(PrintedTruncated("abcdef", 3, {.precision = 4}), "abc[truncated]");
}

TEST(LogValue, TruncatesBetweenCharacters) {
  const absl::string_view four = "a\xf0\x9f\x98\x80z";  // a, a face, z
  EXPECT_EQ(PrintedTruncated(four, 5), "a\xf0\x9f\x98\x80[truncated]");
  for (size_t max : {1, 2, 3, 4})
    EXPECT_EQ(PrintedTruncated(four, max), "a[truncated]");
  // Bytes that are not UTF-8 are truncated at the limit.
  EXPECT_EQ(PrintedTruncated("\x80\x80\x80\x80\x80\x80", 5),
            "\x80\x80\x80\x80\x80[truncated]");
  EXPECT_EQ(PrintedTruncated("\x80\x80\x80", 2), "\x80\x80[truncated]");
}

TEST(LogValue, TruncatesAStringOfMoreThanTwoGibibytes) {
  // Nothing reads its characters.
  const LogString logged(absl::string_view("x", size_t{1} << 31));
  EXPECT_EQ(logged.length(), LogString::kMaxSize);
  const LogString longest(absl::string_view("x", LogString::kMaxSize));
  EXPECT_EQ(longest.length(), LogString::kMaxSize);
}

LogModelValue RandomValue(std::mt19937_64& random) {
  const uint64_t bits = random();
  const uint64_t number = bits >> (random() % 64);
  double any;
  std::memcpy(&any, &bits, sizeof(any));
  if (random() % 2 == 0) any = std::ldexp(static_cast<double>(number), -10);
  std::string text(random() % 20, '\0');
  for (char& c : text) {
    c = static_cast<char>(random() % 2 == 0 ? random() : 'a' + random() % 26);
  }
  const LogModelValue values[] = {bits % 2 == 0,
                                  static_cast<char>(bits),
                                  static_cast<int64_t>(0 - number),
                                  number,
                                  static_cast<float>(any),
                                  any,
                                  text,
                                  reinterpret_cast<const void*>(number)};
  return values[random() % std::size(values)];
}

LogSpec RandomSpec(std::mt19937_64& random) {
  const auto one_of = [&](absl::string_view set) {
    return random() % 2 == 0 ? '\0' : set[random() % set.size()];
  };
  LogSpec spec;
  spec.align = one_of("<>");
  spec.type = one_of("dxXcsfegp");
  spec.alternate = random() % 4 == 0;
  spec.zero = spec.align == 0 && random() % 4 == 0;
  spec.width = static_cast<int16_t>(random() % 2 == 0 ? 0 : random() % 256);
  spec.precision =
      static_cast<int16_t>(random() % 2 == 0 ? -1 : random() % 256);
  return spec;
}

TEST(LogValue, AgreesWithTheModelForAnySpecAndValue) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  for (int tried = 0; tried < 20'000;) {
    const LogModelValue value = RandomValue(random);
    const LogSpec spec = RandomSpec(random);
    if (!log_internal::Fits(ModelKind(value), spec)) continue;
    ASSERT_EQ(PrintedText(spec, value), ModelText(spec, value))
        << "value " << value.index() << ", type " << spec.type;
    ++tried;
  }
}

}  // namespace
}  // namespace sluice

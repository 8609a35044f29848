#ifndef SLUICE_BASE_CHECK_H_
#define SLUICE_BASE_CHECK_H_

#include <cstddef>
#include <iosfwd>
#include <type_traits>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

// Checks for errors of the programmer. A check that fails prints a line on
// stderr and calls abort(), in every build:
//   SLUICE_CHECK(!closed_);
//     net/a.cc:12: SLUICE_CHECK failed: !closed_
//   SLUICE_CHECK_LE(size, limit, "the caller must split the message");
//     net/a.cc:13: SLUICE_CHECK failed: size <= limit (9 and 8): the caller ...
//
// Each form takes an optional message as its last argument: a string literal or
// a string object, such as the result of absl::StrCat(). The message is
// evaluated only if the check fails, the other arguments once. A check that
// holds costs a compare and a branch. Thread-safe.
//
// Errors of the world, such as a peer that resets a connection, are IoResult or
// absl::Status and never a check.
#define SLUICE_CHECK(condition, ...)           \
  (ABSL_PREDICT_TRUE(condition)                \
       ? (void)0                               \
       : ::sluice::base_internal::CheckFailed( \
             __FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__))

// These forms compare two values, and print both if the comparison fails. The
// values may be numbers, bools, enums and characters (printed as numbers),
// strings, pointers, and types that have an operator<<, such as absl::Duration.
// For other types, use SLUICE_CHECK(a == b).
#define SLUICE_CHECK_EQ(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " == " #b, a, ==, b __VA_OPT__(, ) __VA_ARGS__)
#define SLUICE_CHECK_NE(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " != " #b, a, !=, b __VA_OPT__(, ) __VA_ARGS__)
#define SLUICE_CHECK_LT(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " < " #b, a, <, b __VA_OPT__(, ) __VA_ARGS__)
#define SLUICE_CHECK_LE(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " <= " #b, a, <=, b __VA_OPT__(, ) __VA_ARGS__)
#define SLUICE_CHECK_GT(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " > " #b, a, >, b __VA_OPT__(, ) __VA_ARGS__)
#define SLUICE_CHECK_GE(a, b, ...) \
  SLUICE_CHECK_COMPARISON_(#a " >= " #b, a, >=, b __VA_OPT__(, ) __VA_ARGS__)

// Does the same as SLUICE_CHECK, for hot paths: under NDEBUG the arguments are
// compiled but not evaluated.
#ifdef NDEBUG
#define SLUICE_DCHECK(condition, ...) \
  SLUICE_CHECK(true || (condition)__VA_OPT__(, ) __VA_ARGS__)
#else
#define SLUICE_DCHECK(condition, ...) \
  SLUICE_CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif

// Implementation.

#define SLUICE_CHECK_COMPARISON_(text, a, op, b, ...)                    \
  do {                                                                   \
    if (const char* const sluice_failed =                                \
            ::sluice::base_internal::FailedComparison(                   \
                text, a, b,                                              \
                [](const auto& sluice_a, const auto& sluice_b) {         \
                  return sluice_a op sluice_b;                           \
                });                                                      \
        ABSL_PREDICT_FALSE(sluice_failed != nullptr)) {                  \
      ::sluice::base_internal::CheckFailed(                              \
          __FILE__, __LINE__, sluice_failed __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                    \
  } while (false)

namespace sluice::base_internal {

// A string literal or the characters of a string object. Used in place of
// absl::string_view, whose header takes ten times as long to compile as this
// one.
struct Characters {
  // NOLINTBEGIN(google-explicit-constructor)
  Characters(const char* text) : data(text), size(__builtin_strlen(text)) {}
  template <typename T>
  requires requires(const T& text) { text.data(); }
  Characters(const T& text) : data(text.data()), size(text.size()) {}
  // NOLINTEND(google-explicit-constructor)

  const char* const data;
  const size_t size;
};

[[noreturn]] ABSL_ATTRIBUTE_COLD void CheckFailed(const char* file, int line,
                                                  Characters expression,
                                                  Characters message = "");

// Return a text for the message of a check. Nobody frees it: the process ends.
const char* BoolText(bool value);
const char* SignedText(long long value);
const char* UnsignedText(unsigned long long value);
const char* FloatText(double value);
const char* PointerText(const void* value);
const char* QuotedText(Characters value);
const char* StreamedText(void (*print)(std::ostream& out, const void* value),
                         const void* value);
const char* JoinedText(const char* expression, const char* a, const char* b);

template <typename T>
const char* ValueText(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return BoolText(value);
  } else if constexpr (std::is_enum_v<T>) {
    return ValueText(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return SignedText(value);
  } else if constexpr (std::is_integral_v<T>) {
    return UnsignedText(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return FloatText(static_cast<double>(value));
  } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    return PointerText(value);
  } else if constexpr (std::is_convertible_v<const T&, Characters>) {
    return QuotedText(value);
  } else {
    return StreamedText(
        [](std::ostream& out, const void* streamed) {
          out << *static_cast<const T*>(streamed);
        },
        &value);
  }
}

// Scalars are passed by value: a reference would force a check that holds to
// store them on the stack.
template <typename T>
using Passed = std::conditional_t<std::is_scalar_v<T>, T, const T&>;

template <typename A, typename B>
ABSL_ATTRIBUTE_COLD ABSL_ATTRIBUTE_NOINLINE const char* ComparisonText(
    const char* expression, Passed<A> a, Passed<B> b) {
  return JoinedText(expression, ValueText<A>(a), ValueText<B>(b));
}

// Returns null if the comparison holds, or else its text with both values.
template <typename A, typename B, typename Holds>
const char* FailedComparison(const char* expression, const A& a, const B& b,
                             Holds holds) {
  if (ABSL_PREDICT_TRUE(holds(a, b))) return nullptr;
  return ComparisonText<A, B>(expression, a, b);
}

}  // namespace sluice::base_internal

#endif  // SLUICE_BASE_CHECK_H_

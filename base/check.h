#ifndef SLUICE_BASE_CHECK_H_
#define SLUICE_BASE_CHECK_H_

#include <ostream>
#include <type_traits>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "sluice/base/cxx20.h"

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

// These forms compare two values, and print both if the comparison fails: enums
// and characters as numbers, other types by their operator<<. For a type
// without one, use SLUICE_CHECK(a == b).
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

[[noreturn]] ABSL_ATTRIBUTE_COLD void CheckFailed(
    const char* file, int line, absl::string_view expression,
    absl::string_view message = "");

template <typename T>
void PrintValue(std::ostream& out, const void* value) {
  const T& typed = *static_cast<const T*>(value);
  if constexpr (std::is_enum_v<T>) {
    out << +static_cast<std::underlying_type_t<T>>(typed);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    out << +typed;  // a character as a number
  } else {
    out << typed;
  }
}

struct CheckedValue {
  void (*print)(std::ostream& out, const void* value);
  const void* value;
};

// Returns "EXPRESSION (A and B)", as memory that the caller never frees: the
// process ends.
const char* ComparisonText(const char* expression, CheckedValue a,
                           CheckedValue b);

// Scalars are passed by value, so that the variables of a check that holds may
// stay in registers.
template <typename T>
using Passed = std::conditional_t<std::is_scalar_v<T>, T, const T&>;

template <typename A, typename B>
ABSL_ATTRIBUTE_COLD ABSL_ATTRIBUTE_NOINLINE const char* TextOf(
    const char* expression, Passed<A> a, Passed<B> b) {
  return ComparisonText(expression, {PrintValue<A>, &a}, {PrintValue<B>, &b});
}

// Returns nullptr if the comparison holds, or its text.
template <typename A, typename B, typename Holds>
const char* FailedComparison(const char* expression, const A& a, const B& b,
                             Holds holds) {
  if (ABSL_PREDICT_TRUE(holds(a, b))) return nullptr;
  return TextOf<A, B>(expression, a, b);
}

}  // namespace sluice::base_internal

#endif  // SLUICE_BASE_CHECK_H_

#ifndef SLUICE_LOG_INTERNAL_LOG_VALUE_H_
#define SLUICE_LOG_INTERNAL_LOG_VALUE_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/log_text.h"

// The arguments that SLUICE_LOG accepts, and the text that {} prints for them:
//
//   bool, char, integers, float, double   true, x, -1, 2.5: as std::format()
//   std::string, absl::string_view, char*, char[], and types that convert to
//   absl::string_view   their bytes, which the call copies; of an array, the
//                       bytes before the first NUL; "(null)" for a null pointer
//   const void*, nullptr                  0x7ffe01
//   absl::Duration, absl::Time            1.5ms, 2026-11-21T20:15:37.5Z
//   absl::StatusCode                      NOT_FOUND
//   absl::Status                          its ToString()
//   enums                                 their number
//
// Your types print themselves by a function in their namespace, as they do for
// newer versions of Abseil. It needs no header of this package:
//
//   template <typename Sink>
//   void AbslStringify(Sink& sink, const Point& point) {
//     absl::Format(&sink, "(%d, %d)", point.x, point.y);
//   }
//
// `sink` has Append(absl::string_view) and Append(size_t count, char c). The
// function is called during the call of SLUICE_LOG, on the calling thread; this
// costs an allocation or two and the time to format. {} may have the specs of a
// string. The same holds for the ToString() of an absl::Status.
//
// To log objects of a type at the price of a copy, add in its namespace
//
//   const Point& SluiceLogCopy(const Point& point) { return point; }
//
// SLUICE_LOG calls it on the calling thread, and logs what it returns in place
// of the object. This may be of any type above. If it is a trivially copyable
// type with AbslStringify(), then SLUICE_LOG copies it byte by byte, and the
// logger's back end calls AbslStringify() with the copy later, on another
// thread. Objects to which the copy points must live until then, unchanged. {}
// has no specs. Another use of SluiceLogCopy() is to log a part of an object:
//
//   uint64_t SluiceLogCopy(const Session& session) { return session.id(); }
//
// If it returns a view or a pointer to characters, these must live as long as
// the object.

namespace sluice::log_internal {

// How an argument gets into the ring and out of it: LogValueOf(argument) is an
// object that has
//
//   static constexpr LogKind kKind;  // which specs a format may have for it
//   size_t size() const;             // bytes that CopyTo() writes
//   char* CopyTo(char* to) const;    // writes the bytes, returns their end
//   // Prints the bytes that CopyTo() wrote at `from`, returns their end.
//   static const char* Print(const char* from, const LogSpec& spec, LogText&);
//
// Its class is LogScalar, LogString or LogOwnString.

// ---------------------------------------------------------------------------
// Printing
// ---------------------------------------------------------------------------

// Defined for int64_t and uint64_t.
template <std::integral Integer>
void AppendWithSpec(const LogSpec& spec, Integer value, LogText& text);
// Defined for float and double.
template <std::floating_point Float>
void AppendWithSpec(LogSpec spec, Float value, LogText& text);
void AppendWithSpec(const LogSpec& spec, bool value, LogText& text);
void AppendWithSpec(const LogSpec& spec, char value, LogText& text);
void AppendWithSpec(const LogSpec& spec, const void* value, LogText& text);
// If `truncated`, `value` is the front of a longer string, and kTruncatedMark
// follows it.
void AppendWithSpec(const LogSpec& spec, absl::string_view value,
                    bool truncated, LogText& text);

// These print a value as {} does, without a spec.
void AppendPlain(std::integral auto value, LogText& text) {
  text.AppendDecimal(value);
}
inline void AppendPlain(float value, LogText& text) { text.AppendFloat(value); }
inline void AppendPlain(double value, LogText& text) {
  text.AppendDouble(value);
}
inline void AppendPlain(bool value, LogText& text) {
  text.Append(value ? "true" : "false");
}
inline void AppendPlain(char value, LogText& text) { text.AppendChar(value); }
inline void AppendPlain(const void* value, LogText& text) {
  text.Append("0x");
  text.AppendHex(reinterpret_cast<uintptr_t>(value));
}
void AppendPlain(absl::StatusCode value, LogText& text);
void AppendPlain(absl::Duration value, LogText& text);
void AppendPlain(absl::Time value, LogText& text);

inline constexpr absl::string_view kTruncatedMark = "[truncated]";

// ---------------------------------------------------------------------------
// Types
// ---------------------------------------------------------------------------

// Types of Abseil that are printed as described above, also by versions of
// Abseil that have an AbslStringify() for them.
template <typename T>
concept IsAbslType =
    std::is_same_v<T, absl::Duration> || std::is_same_v<T, absl::Time> ||
    std::is_same_v<T, absl::Status> || std::is_same_v<T, absl::StatusCode>;

// Types that have a namespace, in which a user can add functions.
template <typename T>
concept IsUserType = (std::is_class_v<T> || std::is_union_v<T> ||
                      std::is_enum_v<T>)&&!IsAbslType<T>;

template <typename T>
concept HasLogCopy = IsUserType<T> && requires(const T& value) {
  SluiceLogCopy(value);
};

template <typename T>
concept HasStringify = IsUserType<T> &&
    requires(LogText& text, const T& value) {
  { AbslStringify(text, value) } -> std::same_as<void>;
};

template <typename T>
concept IsInteger = std::integral<T> && !std::same_as<T, bool> &&
                    !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> &&
                    !std::same_as<T, char32_t> && sizeof(T) <= sizeof(int64_t);

template <typename T>
concept IsString = std::is_convertible_v<const T&, absl::string_view> &&
    !std::is_null_pointer_v<T>;

// Is false for all types: for the assertion in a template's last branch.
template <typename T>
inline constexpr bool kCanBeLogged = false;

template <typename T>
using WideInteger = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;

template <typename S>
constexpr LogKind ScalarKind() {
  if constexpr (HasStringify<S>) return LogKind::kOther;
  if constexpr (std::is_same_v<S, bool>) return LogKind::kBool;
  if constexpr (std::is_same_v<S, char>) return LogKind::kChar;
  if constexpr (IsInteger<S>) return LogKind::kInteger;
  if constexpr (std::is_floating_point_v<S>) return LogKind::kFloat;
  if constexpr (std::is_pointer_v<S>) return LogKind::kPointer;
  return LogKind::kOther;
}

// A value that is copied byte by byte.
template <typename S>
class LogScalar {
 public:
  static constexpr LogKind kKind = ScalarKind<S>();

  explicit LogScalar(const S& value) : value_(value) {}

  size_t size() const { return sizeof(S); }
  char* CopyTo(char* to) const {
    std::memcpy(to, &value_, sizeof(S));
    return to + sizeof(S);
  }

  static const char* Print(const char* from, const LogSpec& spec,
                           LogText& text) {
    // Not an S, which may have no default constructor.
    alignas(S) char bytes[sizeof(S)];
    std::memcpy(bytes, from, sizeof(S));
    Append(*reinterpret_cast<const S*>(bytes), spec, text);
    return from + sizeof(S);
  }

 private:
  static void Append(const S& value, const LogSpec& spec, LogText& text) {
    if constexpr (HasStringify<S>) {
      AbslStringify(text, value);
    } else if constexpr (kKind == LogKind::kOther) {
      AppendPlain(value, text);
    } else if constexpr (kKind == LogKind::kInteger) {
      AppendNumber(static_cast<WideInteger<S>>(value), spec, text);
    } else {
      AppendNumber(value, spec, text);
    }
  }
  template <typename Number>
  static void AppendNumber(Number value, const LogSpec& spec, LogText& text) {
    if (spec == LogSpec{}) {
      AppendPlain(value, text);
    } else {
      AppendWithSpec(spec, value, text);
    }
  }

  S value_;
};

// A string that somebody else owns and that outlives this object.
class LogString {
 public:
  static constexpr LogKind kKind = LogKind::kString;
  static constexpr size_t kMaxSize = 0x7fffffff;

  explicit LogString(absl::string_view value)
      : data_(value.data()), length_(Length(value.size())) {}

  size_t size() const { return sizeof(length_) + length(); }
  // The size of the string alone.
  size_t length() const { return length_ >> 1; }
  // Removes the bytes after the first `max`, and before them the beginning of a
  // UTF-8 sequence whose end is removed.
  void Truncate(size_t max);
  char* CopyTo(char* to) const {
    std::memcpy(to, &length_, sizeof(length_));
    to += sizeof(length_);
    if (length() > 0) std::memcpy(to, data_, length());
    return to + length();
  }

  static const char* Print(const char* from, const LogSpec& spec,
                           LogText& text) {
    uint32_t length;
    std::memcpy(&length, from, sizeof(length));
    from += sizeof(length);
    const absl::string_view value(from, length >> 1);
    if (spec == LogSpec{} && (length & 1) == 0) {
      text.Append(value);
    } else {
      AppendWithSpec(spec, value, (length & 1) != 0, text);
    }
    return from + value.size();
  }

 private:
  static uint32_t Length(size_t size) {
    return size <= kMaxSize ? static_cast<uint32_t>(size << 1)
                            : static_cast<uint32_t>(kMaxSize << 1 | 1);
  }

  const char* data_;
  uint32_t length_;  // twice the length, plus 1 if the string is truncated
};

struct LogStringOwner {
  const std::string value;
};

// A string that was made for this line, and its owner.
class LogOwnString : private LogStringOwner, public LogString {
 public:
  explicit LogOwnString(std::string text)
      : LogStringOwner{std::move(text)}, LogString(value) {}
  LogOwnString(const LogOwnString&) = delete;  // LogString points to it
  LogOwnString& operator=(const LogOwnString&) = delete;
};

// ---------------------------------------------------------------------------
// From an argument to its LogScalar, LogString or LogOwnString
// ---------------------------------------------------------------------------

// Returns the number of characters before the first NUL, or `size` if there is
// none. The compiler computes strlen() of a literal, but not strnlen().
inline size_t ArrayLength(const char* array, size_t size) {
  return array[size - 1] == '\0' ? std::strlen(array) : strnlen(array, size);
}

template <typename T>
auto LogValueOfPlain(const T& value) {
  if constexpr (HasStringify<T>) {
    LogText text;
    AbslStringify(text, value);
    return LogOwnString(std::string(text.view()));
  } else if constexpr (std::is_same_v<T, const char*> ||
                       std::is_same_v<T, char*>) {
    return LogString(value == nullptr ? absl::string_view("(null)") : value);
  } else if constexpr (std::is_array_v<T> && IsString<T>) {
    return LogString({value, ArrayLength(value, std::extent_v<T>)});
  } else if constexpr (IsString<T>) {
    return LogString(value);
  } else if constexpr (std::is_same_v<T, absl::Status>) {
    return LogOwnString(value.ToString());
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, char> ||
                       IsInteger<T> || std::is_same_v<T, float> ||
                       std::is_same_v<T, double> || IsAbslType<T>) {
    return LogScalar<T>(value);
  } else if constexpr (std::is_same_v<T, const void*> ||
                       std::is_same_v<T, void*> || std::is_null_pointer_v<T>) {
    return LogScalar<const void*>(value);
  } else if constexpr (std::is_enum_v<T>) {
    // The + promotes a character type to int, which is printed as a number.
    const auto number = +static_cast<std::underlying_type_t<T>>(value);
    return LogScalar<std::remove_const_t<decltype(number)>>(number);
  } else {
    static_assert(kCanBeLogged<T>,
                  "SLUICE_LOG: this type cannot be logged. Write an "
                  "AbslStringify() or SluiceLogCopy() for it in its namespace; "
                  "cast a pointer to const void*");
    return LogString("");  // avoids a second error
  }
}

// `Copy` is the type that SluiceLogCopy() returns: a reference, or the type of
// a temporary.
template <typename Copy>
auto LogValueOfCopy(Copy&& copy) {
  using T = std::remove_cvref_t<Copy>;
  constexpr bool kIsTemporary = !std::is_reference_v<Copy>;
  if constexpr (kIsTemporary && std::is_same_v<T, std::string>) {
    return LogOwnString(std::move(copy));
  } else if constexpr (HasStringify<T> && std::is_trivially_copyable_v<T>) {
    return LogScalar<T>(copy);
  } else {
    static_assert(!kIsTemporary || !IsString<T> || !std::is_class_v<T> ||
                      std::is_same_v<T, absl::string_view>,
                  "SLUICE_LOG: SluiceLogCopy() returns a temporary string "
                  "of a class; let it return a std::string");
    return LogValueOfPlain<T>(copy);
  }
}

template <typename T>
auto LogValueOf(const T& value) {
  if constexpr (std::is_volatile_v<T>) {
    return LogValueOf(static_cast<std::remove_volatile_t<T>>(value));
  } else if constexpr (HasLogCopy<T>) {
    return LogValueOfCopy<decltype(SluiceLogCopy(value))>(SluiceLogCopy(value));
  } else {
    return LogValueOfPlain<T>(value);
  }
}

template <typename T>
using LogValue = decltype(LogValueOf(std::declval<const T&>()));

}  // namespace sluice::log_internal

#endif  // SLUICE_LOG_INTERNAL_LOG_VALUE_H_

#ifndef SLUICE_LOG_LOG_ARGS_H_
#define SLUICE_LOG_LOG_ARGS_H_

#include <cstddef>
#include <utility>

#include "absl/types/span.h"
#include "sluice/log/log_format.h"
#include "sluice/log/log_value.h"

namespace sluice {
namespace log_internal {

// Shortens the longest of the strings, as little as will do, until `size`,
// which is what they and others take, is at most `max_size`.
void TruncateLogStrings(absl::Span<LogString* const> strings, size_t size,
                        size_t max_size);

// One argument, made in place.
template <size_t kIndex, typename T>
struct LogSlot {
  explicit LogSlot(const T& argument) : value(LogValueOf(argument)) {}

  LogValue<T> value;
};

template <typename Indices, typename... Args>
struct LogSlots;

template <size_t... kIndices, typename... Args>
struct LogSlots<std::index_sequence<kIndices...>, Args...>
    : LogSlot<kIndices, Args>... {
  explicit LogSlots(const Args&... args) : LogSlot<kIndices, Args>(args)... {}

  size_t size() const {
    return (size_t{0} + ... + LogSlot<kIndices, Args>::value.size());
  }
  void CopyTo([[maybe_unused]] char* to) const {
    ((to = LogSlot<kIndices, Args>::value.CopyTo(to)), ...);
  }
  void Truncate(size_t max_size) {
    // One more than there are: no array is empty.
    LogString* strings[sizeof...(Args) + 1];
    size_t count = 0;
    (AddString(&(LogSlot<kIndices, Args>::value), strings, &count), ...);
    TruncateLogStrings({strings, count}, size(), max_size);
  }

 private:
  static void AddString(LogString* string, LogString** strings, size_t* count) {
    strings[(*count)++] = string;
  }
  static void AddString(void*, LogString**, size_t*) {}
};

}  // namespace log_internal

// The arguments of one SLUICE_LOG, ready to be copied to where LogSite::print
// finds them. Points to the strings among `args`: made in the function that
// takes them, and gone before they are. Thread-compatible.
template <typename... Args>
class LogArgs {
 public:
  // Measures each string once: what it points to must stay as it is.
  explicit LogArgs(const Args&... args) : slots_(args...) {}

  // Bytes that CopyTo() writes.
  size_t size() const { return slots_.size(); }

  // Shortens the longest strings, between characters of UTF-8, until size() is
  // at most `max_size`; it stays above if the other arguments alone are larger.
  // In the line "[truncated]" stands where something is missing.
  void Truncate(size_t max_size) {
    if (size() > max_size) slots_.Truncate(max_size);
  }

  // The bytes of the arguments, one after the other, wherever `to` points.
  void CopyTo(char* to) const { slots_.CopyTo(to); }

 private:
  log_internal::LogSlots<std::index_sequence_for<Args...>, Args...> slots_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_ARGS_H_

#ifndef SLUICE_LOG_INTERNAL_LOG_ARGS_H_
#define SLUICE_LOG_INTERNAL_LOG_ARGS_H_

#include <cstddef>
#include <utility>

#include "absl/types/span.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/internal/log_value.h"

namespace sluice {
namespace log_internal {

// Truncates the longest of the strings, as little as necessary, until `size`,
// the size of these strings and of all other arguments, is at most `max_size`.
void TruncateLogStrings(absl::Span<LogString* const> strings, size_t size,
                        size_t max_size);

// One argument, constructed in place.
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
    // Has one element more, since an array cannot be empty.
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

// The arguments of one SLUICE_LOG, in the form in which they are copied into a
// ring and LogSite::print reads them. Points to the strings among the
// arguments, which must outlive this object. Thread-compatible.
template <typename... Args>
class LogArgs {
 public:
  // Measures each string once: strings must not change afterwards.
  explicit LogArgs(const Args&... args) : slots_(args...) {}

  // Returns the number of bytes that CopyTo() writes.
  size_t size() const { return slots_.size(); }

  // Truncates the longest strings, between UTF-8 characters, until size() is at
  // most `max_size`, or until only other arguments are left. The line has
  // "[truncated]" after each truncated string.
  void Truncate(size_t max_size) {
    if (size() > max_size) slots_.Truncate(max_size);
  }

  // Writes the bytes of the arguments, one after the other. `to` needs no
  // alignment.
  void CopyTo(char* to) const { slots_.CopyTo(to); }

 private:
  log_internal::LogSlots<std::index_sequence_for<Args...>, Args...> slots_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_ARGS_H_

#include "sluice/log/internal/log_args.h"

#include <algorithm>

namespace sluice::log_internal {

void TruncateLogStrings(absl::Span<LogString* const> strings, size_t size,
                        size_t max_size) {
  size_t others = size;  // bytes that cannot be truncated
  size_t longest = 0;
  for (const LogString* string : strings) {
    others -= string->length();
    longest = std::max(longest, string->length());
  }
  // Binary search for the greatest length that all strings may have.
  size_t low = 0;
  size_t high = longest;
  while (low < high) {
    const size_t middle = high - (high - low) / 2;
    size_t total = others;
    for (const LogString* string : strings) {
      total += std::min(middle, string->length());
    }
    if (total <= max_size) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  for (LogString* string : strings) string->Truncate(low);
}

}  // namespace sluice::log_internal

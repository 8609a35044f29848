#ifndef SLUICE_LOG_INTERNAL_LOG_RECORD_H_
#define SLUICE_LOG_INTERNAL_LOG_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sluice/log/internal/log_ring.h"
#include "sluice/log/internal/log_site.h"

namespace sluice {

// The header of a record in a LogRing; the arguments of the line follow it.
// Value type.
struct LogRecord {
  uint32_t size;  // bytes of header and arguments, not rounded up
  uint32_t unused = 0;
  uint64_t ticks;
  const LogSite* site;

  // Returns the number of bytes that a record takes in the ring.
  static constexpr size_t BytesFor(size_t args_size) {
    constexpr size_t kMask = LogRing::kAlignment - 1;
    return (sizeof(LogRecord) + args_size + kMask) & ~kMask;
  }
  size_t args_size() const { return size - sizeof(LogRecord); }
  size_t bytes() const { return BytesFor(args_size()); }
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_RECORD_H_

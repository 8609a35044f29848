#include "sluice/log/internal/log_ring.h"

#include <algorithm>
#include <cstring>

#include "sluice/base/check.h"

namespace sluice {
namespace {

// Stands in place of a record's size if no record follows before the end of the
// memory.
constexpr uint32_t kNoMore = 0;

}  // namespace

LogRing::LogRing(size_t bytes)
    : capacity_(bytes), mask_(bytes - 1), memory_(new char[bytes]()) {
  SLUICE_CHECK(bytes >= 64 && (bytes & (bytes - 1)) == 0);
}

char* LogRing::MakeRoom(size_t bytes) {
  SLUICE_DCHECK(bytes % kAlignment == 0 && bytes <= max_record());
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  // Acquires the consumer's reads, so that released memory may be overwritten.
  // seq_cst: see Release().
  seen_ = head_.load(std::memory_order_seq_cst);
  limit_ = tail;
  size_t free = capacity_ - (tail - seen_);
  size_t in_one_piece = capacity_ - (tail & mask_);
  if (in_one_piece < bytes) {
    if (free < in_one_piece + bytes) return nullptr;
    std::memcpy(&memory_[tail & mask_], &kNoMore, sizeof(kNoMore));
    tail += in_one_piece;
    tail_.store(tail, std::memory_order_release);
    limit_ = tail;
    free -= in_one_piece;
    in_one_piece = capacity_;
  }
  if (free < bytes) return nullptr;
  const size_t used = tail - seen_;
  const size_t until_next_look =
      used < capacity_ / 2 ? capacity_ / 2 - used : capacity_ / 16;
  limit_ =
      tail + std::min({free, in_one_piece, std::max(bytes, until_next_look)});
  return &memory_[tail & mask_];
}

const char* LogRing::Read(uint64_t* position, uint64_t end) const {
  if (*position == end) return nullptr;
  const char* record = &memory_[*position & mask_];
  uint32_t size;
  std::memcpy(&size, record, sizeof(size));
  if (size != kNoMore) return record;
  *position += capacity_ - (*position & mask_);
  return *position == end ? nullptr : &memory_[0];
}

}  // namespace sluice

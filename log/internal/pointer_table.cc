#include "sluice/log/internal/pointer_table.h"

#include "sluice/base/check.h"

namespace sluice {
namespace {

// The number of entries that Find() checks before it gives up.
constexpr size_t kProbes = 32;

// Addresses of constants differ in their low bits. The multiplication carries
// the difference to the high bits.
size_t Hash(const void* address) {
  constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
  return (reinterpret_cast<uintptr_t>(address) * kGolden) >> 32;
}

}  // namespace

std::atomic<uint64_t>* PointerTable::Find(const void* address) {
  SLUICE_DCHECK(address != nullptr);
  const size_t first = Hash(address);
  for (size_t i = first; i < first + kProbes; ++i) {
    Entry& entry = entries_[i % kCapacity];
    const void* key = entry.key.load(std::memory_order_acquire);
    if (key == nullptr && entry.key.compare_exchange_strong(
                              key, address, std::memory_order_acq_rel)) {
      return &entry.word;
    }
    // Another thread may have stored the same address in between.
    if (key == address) return &entry.word;
  }
  return nullptr;
}

}  // namespace sluice

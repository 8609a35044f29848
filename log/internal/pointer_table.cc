#include "sluice/log/internal/pointer_table.h"

#include "sluice/base/check.h"

namespace sluice {
namespace {

// How many entries are looked at before a table is called full.
constexpr size_t kProbes = 32;

// Addresses of constants differ in bits that the multiplication brings up.
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
    // Another thread may have been faster, with this very address.
    if (key == address) return &entry.word;
  }
  return nullptr;
}

}  // namespace sluice

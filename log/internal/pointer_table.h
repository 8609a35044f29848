#ifndef SLUICE_LOG_INTERNAL_POINTER_TABLE_H_
#define SLUICE_LOG_INTERNAL_POINTER_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

// A word for each of a bounded number of addresses, such as those of constants
// in a program's source. Grows never, forgets nothing. Thread-safe without
// locks; finding a word that is there takes a few nanoseconds.
class PointerTable {
 public:
  static constexpr size_t kCapacity = 1024;

  PointerTable() = default;
  PointerTable(const PointerTable&) = delete;
  PointerTable& operator=(const PointerTable&) = delete;

  // The word of `address`, the same at each call; 0 at first. nullptr if so
  // many others have one that there is no room. REQUIRES: not null.
  std::atomic<uint64_t>* Find(const void* address);
  // Calls visit(address, word) for each that has one.
  template <typename Visit>
  void ForEach(Visit visit) {
    for (Entry& entry : entries_) {
      const void* const key = entry.key.load(std::memory_order_acquire);
      if (key != nullptr) visit(key, &entry.word);
    }
  }

 private:
  struct Entry {
    std::atomic<const void*> key{nullptr};
    std::atomic<uint64_t> word{0};
  };

  Entry entries_[kCapacity];
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_POINTER_TABLE_H_

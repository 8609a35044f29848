#ifndef SLUICE_LOG_INTERNAL_POINTER_TABLE_H_
#define SLUICE_LOG_INTERNAL_POINTER_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

// A table with one word for each of up to kCapacity addresses, such as
// addresses of constants in a program's source. It never grows, and entries are
// never removed. Thread-safe without locks. To find an existing word takes a
// few nanoseconds.
class PointerTable {
 public:
  static constexpr size_t kCapacity = 1024;

  PointerTable() = default;
  PointerTable(const PointerTable&) = delete;
  PointerTable& operator=(const PointerTable&) = delete;

  // Returns the word of `address`, which is the same in each call and 0 at
  // first. Returns nullptr if the table has no room for it; this may happen
  // before kCapacity addresses are in it. REQUIRES: `address` is not null.
  std::atomic<uint64_t>* Find(const void* address);
  // Sets the words of all addresses to 0.
  void ClearWords() {
    for (Entry& entry : entries_)
      entry.word.store(0, std::memory_order_relaxed);
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

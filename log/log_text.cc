#include "sluice/log/log_text.h"

#include <algorithm>
#include <utility>

namespace sluice {

void LogText::Grow(size_t size) {
  constexpr size_t kFirst = 256;
  const size_t used = this->size();
  const size_t capacity = static_cast<size_t>(limit_ - begin_.get());
  const size_t larger = std::max({kFirst, 2 * capacity, used + size});
  // Not cleared: what is not yet written is not read.
  auto begin = std::unique_ptr<char[]>(new char[larger]);
  if (used > 0) std::memcpy(begin.get(), begin_.get(), used);
  begin_ = std::move(begin);
  end_ = begin_.get() + used;
  limit_ = begin_.get() + larger;
}

}  // namespace sluice

#include "sluice/base/fork_mark.h"

#include <sys/mman.h>

#include <cstddef>

namespace sluice {
namespace {

// The kernel rounds this up to a page.
constexpr size_t kBytes = 1;

}  // namespace

ForkMark::ForkMark() {
  void* const page = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, kBytes, MADV_WIPEONFORK) != 0) {
    munmap(page, kBytes);
    return;
  }
  *static_cast<char*>(page) = 1;
  page_ = static_cast<const char*>(page);
}

ForkMark::~ForkMark() {
  if (page_ != nullptr) munmap(const_cast<char*>(page_), kBytes);
}

}  // namespace sluice

#include "sluice/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sluice::base_internal {

void CheckFailed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "%s:%d: SLUICE_CHECK failed: %s\n", file, line,
               expression);
  std::abort();
}

}  // namespace sluice::base_internal

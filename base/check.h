#ifndef SLUICE_BASE_CHECK_H_
#define SLUICE_BASE_CHECK_H_

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

// Errors of the programmer: prints file, line and expression on stderr and
// calls abort(), in every build. Never for errors of the world: those are
// IoResult or absl::Status. Thread-safe.
#define SLUICE_CHECK(condition) \
  (ABSL_PREDICT_TRUE(condition) \
       ? (void)0                \
       : ::sluice::base_internal::CheckFailed(__FILE__, __LINE__, #condition))

// The same where the test would cost on a hot path. Under NDEBUG the condition
// is compiled but not evaluated.
#ifdef NDEBUG
#define SLUICE_DCHECK(condition) SLUICE_CHECK(true || (condition))
#else
#define SLUICE_DCHECK(condition) SLUICE_CHECK(condition)
#endif

namespace sluice::base_internal {

[[noreturn]] ABSL_ATTRIBUTE_COLD void CheckFailed(const char* file, int line,
                                                  const char* expression);

}  // namespace sluice::base_internal

#endif  // SLUICE_BASE_CHECK_H_

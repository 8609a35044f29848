#include "sluice/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ios>
#include <sstream>

namespace sluice::base_internal {

void CheckFailed(const char* file, int line, absl::string_view expression,
                 absl::string_view message) {
  std::fprintf(stderr, "%s:%d: SLUICE_CHECK failed: %.*s%s%.*s\n", file, line,
               static_cast<int>(expression.size()), expression.data(),
               message.empty() ? "" : ": ", static_cast<int>(message.size()),
               message.data());
  std::abort();
}

const char* ComparisonText(const char* expression, CheckedValue a,
                           CheckedValue b) {
  std::ostringstream out;
  out << std::boolalpha << expression << " (";
  a.print(out, a.value);
  out << " and ";
  b.print(out, b.value);
  out << ")";
  return strdup(out.str().c_str());
}

}  // namespace sluice::base_internal

#ifndef SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_
#define SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_

#include <cstdint>
#include <string>
#include <variant>

#include "sluice/log/internal/log_format.h"

namespace sluice {

// What values of log_value.h must print (testonly), found in another way: by
// snprintf() and digit by digit, and slowly.

using LogModelValue = std::variant<bool, char, int64_t, uint64_t, float, double,
                                   std::string, const void*>;

LogKind ModelKind(const LogModelValue& value);

// REQUIRES: the spec is one that ParseLogFormat() takes for that kind.
std::string ModelText(const LogSpec& spec, const LogModelValue& value);

// The same of log_value.h: the value is copied to memory that has no byte too
// many, and printed from there.
std::string PrintedText(const LogSpec& spec, const LogModelValue& value);

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_

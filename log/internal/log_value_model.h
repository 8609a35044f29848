#ifndef SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_
#define SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_

#include <cstdint>
#include <string>
#include <variant>

#include "sluice/log/internal/log_format.h"

namespace sluice {

// A model of log_value.h (testonly): prints values in another way, by
// snprintf() and digit by digit, and slowly.

using LogModelValue = std::variant<bool, char, int64_t, uint64_t, float, double,
                                   std::string, const void*>;

LogKind ModelKind(const LogModelValue& value);

// Returns the text that log_value.h must print. REQUIRES: ParseLogFormat()
// accepts the spec for the kind of `value`.
std::string ModelText(const LogSpec& spec, const LogModelValue& value);

// Returns the text that log_value.h prints. Copies the value to memory of
// exactly its size, and prints it from there.
std::string PrintedText(const LogSpec& spec, const LogModelValue& value);

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_VALUE_MODEL_H_

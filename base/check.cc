#include "sluice/base/check.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>

namespace sluice::base_internal {
namespace {

const char* Kept(const std::string& text) { return strdup(text.c_str()); }

}  // namespace

void CheckFailed(const char* file, int line, Characters expression,
                 Characters message) {
  std::fprintf(stderr, "%s:%d: SLUICE_CHECK failed: %.*s%s%.*s\n", file, line,
               static_cast<int>(expression.size), expression.data,
               message.size > 0 ? ": " : "", static_cast<int>(message.size),
               message.data);
  std::abort();
}

const char* BoolText(bool value) { return value ? "true" : "false"; }

const char* SignedText(long long value) { return Kept(std::to_string(value)); }

const char* UnsignedText(unsigned long long value) {
  return Kept(std::to_string(value));
}

const char* FloatText(double value) {
  char text[32];  // room for the shortest text that gives the same double
  return Kept(std::string(
      text, std::to_chars(std::begin(text), std::end(text), value).ptr));
}

const char* PointerText(const void* value) {
  if (value == nullptr) return "null";
  char text[32];
  std::snprintf(text, sizeof(text), "%p", value);
  return Kept(text);
}

const char* QuotedText(Characters value) {
  return Kept('"' + std::string(value.data, value.size) + '"');
}

const char* StreamedText(void (*print)(std::ostream& out, const void* value),
                         const void* value) {
  std::ostringstream out;
  print(out, value);
  return Kept(out.str());
}

const char* JoinedText(const char* expression, const char* a, const char* b) {
  return Kept(std::string(expression) + " (" + a + " and " + b + ")");
}

}  // namespace sluice::base_internal

#include "sluice/log/internal/log_value_model.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "sluice/log/internal/log_value.h"
#include "sluice/log/log_text.h"

namespace sluice {
namespace {

// Returns the bytes that continue a character of UTF-8.
std::string Continuations() {
  std::string bytes;
  for (int byte = 0x80; byte < 0xc0; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

// The parts of a text. Zeros fill between sign and body.
struct Model {
  std::string sign;
  std::string body;
  char align = '<';
  bool takes_zeros = false;
};

Model IntegerModel(const LogSpec& spec, bool negative, uint64_t magnitude) {
  const unsigned base = spec.type == 'x' || spec.type == 'X' ? 16 : 10;
  std::string digits;
  uint64_t rest = magnitude;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[rest % base]);
    rest /= base;
  } while (rest > 0);
  std::string sign = negative ? "-" : "";
  if (spec.alternate) sign += "0x";
  if (spec.type == 'X') {
    absl::AsciiStrToUpper(&digits);
    absl::AsciiStrToUpper(&sign);
  }
  return {sign, digits, '>', true};
}

template <typename Float>
Model FloatModel(const LogSpec& spec, Float value) {
  const Float magnitude = std::fabs(value);
  char body[1024];
  if (spec.type == 0 && spec.precision < 0) {
    *std::to_chars(body, body + sizeof(body), magnitude).ptr = '\0';
  } else {
    const int precision = spec.precision < 0 ? 6 : spec.precision;
    const char format[] = {'%', '.', '*', spec.type == 0 ? 'g' : spec.type, 0};
    std::snprintf(body, sizeof(body), format, precision,
                  static_cast<double>(magnitude));
  }
  return {std::signbit(value) ? "-" : "", body, '>', std::isfinite(value)};
}

// Returns the first `count` characters. Continuation bytes without a character
// before them belong to the character after them.
std::string Front(const std::string& text, int count) {
  std::string front;
  std::string waiting;
  for (size_t i = 0; i < text.size() && count > 0; ++i) {
    waiting += text[i];
    const bool ends = i + 1 == text.size() || (text[i + 1] & 0xC0) != 0x80;
    if (!ends) continue;
    front += waiting;
    if (waiting.find_first_not_of(Continuations()) != waiting.npos) --count;
    waiting.clear();
  }
  return front;
}

Model ModelOf(const LogSpec& spec, const LogModelValue& value) {
  return std::visit(
      [&](const auto& v) -> Model {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool>) {
          return {"", v ? "true" : "false"};
        } else if constexpr (std::is_same_v<T, char>) {
          return {"", std::string(1, v)};
        } else if constexpr (std::is_same_v<T, int64_t>) {
          const auto bits = static_cast<uint64_t>(v);
          return IntegerModel(spec, v < 0, v < 0 ? ~bits + 1 : bits);
        } else if constexpr (std::is_same_v<T, uint64_t>) {
          return IntegerModel(spec, false, v);
        } else if constexpr (std::is_floating_point_v<T>) {
          return FloatModel(spec, v);
        } else if constexpr (std::is_pointer_v<T>) {
          LogSpec hex;
          hex.type = 'x';
          hex.alternate = true;
          return IntegerModel(hex, false, reinterpret_cast<uintptr_t>(v));
        } else {
          return {"", spec.precision < 0 ? v : Front(v, spec.precision)};
        }
      },
      value);
}

}  // namespace

LogKind ModelKind(const LogModelValue& value) {
  static constexpr LogKind kKinds[] = {
      LogKind::kBool,  LogKind::kChar,  LogKind::kInteger, LogKind::kInteger,
      LogKind::kFloat, LogKind::kFloat, LogKind::kString,  LogKind::kPointer};
  return kKinds[value.index()];
}

std::string ModelText(const LogSpec& spec, const LogModelValue& value) {
  Model model = ModelOf(spec, value);
  size_t size = model.sign.size();
  for (char c : model.body) size += (c & 0xC0) != 0x80 ? 1 : 0;
  const size_t width = static_cast<size_t>(spec.width);
  const size_t missing = width > size ? width - size : 0;
  const bool zeros = spec.zero && model.takes_zeros;
  const std::string fill(missing, zeros ? '0' : ' ');
  if (zeros) return absl::StrCat(model.sign, fill, model.body);
  if (spec.align != 0) model.align = spec.align;
  return model.align == '<' ? absl::StrCat(model.sign, model.body, fill)
                            : absl::StrCat(fill, model.sign, model.body);
}

std::string PrintedText(const LogSpec& spec, const LogModelValue& value) {
  return std::visit(
      [&](const auto& v) {
        const auto logged = log_internal::LogValueOf(v);
        const auto bytes = std::make_unique<char[]>(logged.size());
        logged.CopyTo(bytes.get());
        LogText text;
        logged.Print(bytes.get(), spec, text);
        return std::string(text.view());
      },
      value);
}

}  // namespace sluice

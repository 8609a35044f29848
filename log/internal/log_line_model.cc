#include "sluice/log/internal/log_line_model.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

std::string Encoded(uint32_t c) {
  const auto tail = [&](int shift) {
    return static_cast<char>(0x80 | (c >> shift & 0x3f));
  };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) {
    return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  }
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

// A character, or a byte that is not UTF-8.
struct Piece {
  bool valid;
  uint32_t value;
  std::string bytes;
};

// A sequence is valid if its bits, encoded again, give the same sequence.
Piece FrontPiece(absl::string_view bytes) {
  for (size_t size = 1; size <= 4 && size <= bytes.size(); ++size) {
    const auto first = static_cast<uint8_t>(bytes[0]);
    uint32_t value = size == 1 ? first : first & (0xff >> (size + 1));
    for (size_t i = 1; i < size; ++i) {
      value = value << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3f);
    }
    const bool in_unicode =
        value < 0xd800 || (value > 0xdfff && value <= 0x10ffff);
    if (in_unicode && Encoded(value) == bytes.substr(0, size)) {
      return {true, value, std::string(bytes.substr(0, size))};
    }
  }
  return {false, static_cast<uint8_t>(bytes[0]), std::string(1, bytes[0])};
}

std::vector<Piece> Pieces(absl::string_view bytes) {
  std::vector<Piece> pieces;
  while (!bytes.empty()) {
    pieces.push_back(FrontPiece(bytes));
    bytes.remove_prefix(pieces.back().bytes.size());
  }
  return pieces;
}

bool IsForbidden(uint32_t c) {
  static const std::vector<std::pair<uint32_t, uint32_t>> ranges = {
      {0, 0x1f},        {0x7f, 0x9f},     {0x2028, 0x2029},
      {0x202a, 0x202e}, {0x2066, 0x2069},
  };
  for (const auto& [first, last] : ranges) {
    if (first <= c && c <= last) return true;
  }
  return false;
}

absl::Status Error(absl::string_view problem, absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat(problem, ": ", absl::CHexEscape(text)));
}

// Parses an object that has no objects in it.
class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : rest_(text) {}

  bool Read(std::map<std::string, std::string>* members) {
    if (!absl::ConsumePrefix(&rest_, "{")) return false;
    do {
      std::string name;
      std::string value;
      if (!ReadString(&name) || !absl::ConsumePrefix(&rest_, ":")) return false;
      if (!ReadString(&value) && !ReadNumber(&value)) return false;
      if (!members->emplace(name, value).second) return false;
    } while (absl::ConsumePrefix(&rest_, ","));
    return rest_ == "}";
  }

 private:
  bool ReadNumber(std::string* value) {
    absl::ConsumePrefix(&rest_, "-");
    while (!rest_.empty() && absl::ascii_isdigit(rest_[0])) {
      value->push_back(rest_[0]);
      rest_.remove_prefix(1);
    }
    return !value->empty();
  }

  bool ReadString(std::string* value) {
    if (!absl::ConsumePrefix(&rest_, "\"")) return false;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        value->push_back(c);
      } else if (!ReadEscape(value)) {
        return false;
      }
    }
    return false;
  }

  // Reads the rest of an escape after its backslash.
  bool ReadEscape(std::string* value) {
    constexpr absl::string_view kLetters = "\"\\nrt";
    constexpr absl::string_view kCharacters = "\"\\\n\r\t";
    if (rest_.empty()) return false;
    const char letter = rest_[0];
    rest_.remove_prefix(1);
    if (const size_t i = kLetters.find(letter); i != kLetters.npos) {
      value->push_back(kCharacters[i]);
      return true;
    }
    uint32_t c;
    if (letter != 'u' || rest_.size() < 4 ||
        !absl::SimpleHexAtoi(rest_.substr(0, 4), &c)) {
      return false;
    }
    rest_.remove_prefix(4);
    *value += Encoded(c);
    return true;
  }

  absl::string_view rest_;
};

}  // namespace

absl::Status CheckLogLine(absl::string_view line) {
  absl::string_view rest = line;
  if (!absl::ConsumeSuffix(&rest, "\n")) return Error("no newline", line);
  for (const Piece& piece : Pieces(rest)) {
    if (!piece.valid) return Error("not UTF-8", line);
    if (IsForbidden(piece.value)) return Error("not escaped", line);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> ParseJsonLine(
    absl::string_view line) {
  if (const absl::Status status = CheckLogLine(line); !status.ok()) {
    return status;
  }
  std::map<std::string, std::string> members;
  JsonReader reader(absl::StripSuffix(line, "\n"));
  if (!reader.Read(&members)) return Error("not JSON", line);
  return members;
}

std::string ModelTextEscapes(absl::string_view bytes) {
  std::string text;
  for (const Piece& piece : Pieces(bytes)) {
    if (piece.value == '\n') {
      text += "\\n";
    } else if (piece.value == '\r') {
      text += "\\r";
    } else if (piece.value == '\t') {
      text += "\\t";
    } else if (!piece.valid ||
               (piece.value < 0x80 && IsForbidden(piece.value))) {
      absl::StrAppend(&text, "\\x", absl::Hex(piece.value, absl::kZeroPad2));
    } else if (IsForbidden(piece.value)) {
      absl::StrAppend(&text, "\\u{", absl::Hex(piece.value), "}");
    } else {
      text += piece.bytes;
    }
  }
  return text;
}

std::string ModelJsonText(absl::string_view bytes) {
  std::string text;
  for (const Piece& piece : Pieces(bytes)) {
    text += piece.valid ? piece.bytes : Encoded(0xfffd);
  }
  return text;
}

}  // namespace sluice

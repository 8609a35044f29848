#include "sluice/tests/structure/cpp_text.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

class Splitter {
 public:
  explicit Splitter(absl::string_view source) : source_(source) {
    result_.code.assign(source.size(), ' ');
    result_.comments.assign(source.size(), ' ');
    for (size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\n') result_.code[i] = result_.comments[i] = '\n';
    }
  }

  CppText Split() {
    while (at_ < source_.size()) {
      const absl::string_view rest = source_.substr(at_);
      if (absl::StartsWith(rest, "//")) {
        LineComment();
      } else if (absl::StartsWith(rest, "/*")) {
        const size_t end = rest.find("*/", 2);
        Take(&result_.comments, end == rest.npos ? rest.size() : end + 2);
      } else if (rest[0] == '"' || rest[0] == '\'') {
        Literal(rest[0]);
      } else if (IsWordChar(rest[0])) {
        Word();
      } else {
        Take(&result_.code, 1);
      }
    }
    return result_;
  }

 private:
  void Take(std::string* to, size_t count) {
    for (; count > 0; --count, ++at_) (*to)[at_] = source_[at_];
  }

  // Reads to the end of the first line that has no backslash at its end.
  void LineComment() {
    while (at_ < source_.size() && source_[at_] != '\n') {
      const bool continued = absl::StartsWith(source_.substr(at_), "\\\n");
      Take(&result_.comments, continued ? 2 : 1);
    }
  }

  // Reads a literal. If it has no closing quote, it ends with the line.
  void Literal(char quote) {
    Take(&result_.code, 1);
    while (at_ < source_.size() && source_[at_] != '\n') {
      if (source_[at_] == quote) return Take(&result_.code, 1);
      at_ += source_[at_] == '\\' ? 2 : 1;
    }
    if (at_ > source_.size()) at_ = source_.size();
  }

  // Reads an identifier or number. A number goes on over 1'000; some
  // identifiers begin a raw string.
  void Word() {
    const bool number = absl::ascii_isdigit(source_[at_]);
    size_t end = at_;
    while (end < source_.size() &&
           (IsWordChar(source_[end]) ||
            (number && source_[end] == '\'' && end + 1 < source_.size() &&
             IsWordChar(source_[end + 1])))) {
      ++end;
    }
    const absl::string_view word = source_.substr(at_, end - at_);
    Take(&result_.code, word.size());
    if (at_ < source_.size() && source_[at_] == '"' &&
        (word == "R" || word == "LR" || word == "uR" || word == "UR" ||
         word == "u8R")) {
      RawString();
    }
  }

  // Reads from R's quote on: "delimiter( ... )delimiter".
  void RawString() {
    const absl::string_view rest = source_.substr(at_);
    const size_t open = rest.find('(');
    if (open == rest.npos) return Literal('"');
    const std::string close = absl::StrCat(")", rest.substr(1, open - 1), "\"");
    const size_t end = rest.find(close, open);
    Take(&result_.code, 1);
    if (end == rest.npos) {
      at_ = source_.size();
      return;
    }
    at_ += end + close.size() - 2;
    Take(&result_.code, 1);
  }

  const absl::string_view source_;
  size_t at_ = 0;
  CppText result_;
};

}  // namespace

CppText SplitCpp(absl::string_view source) { return Splitter(source).Split(); }

std::vector<CppToken> CppTokens(absl::string_view code) {
  std::vector<CppToken> tokens;
  int line = 1;
  size_t i = 0;
  while (i < code.size()) {
    if (code[i] == '\n') ++line;
    if (absl::ascii_isspace(code[i])) {
      ++i;
      continue;
    }
    size_t size = 0;
    while (i + size < code.size() && IsWordChar(code[i + size])) ++size;
    if (size == 0) {
      const absl::string_view two = code.substr(i, 2);
      size = two == "::" || two == "->" ? 2 : 1;
    }
    tokens.push_back({code.substr(i, size), line});
    i += size;
  }
  return tokens;
}

}  // namespace sluice

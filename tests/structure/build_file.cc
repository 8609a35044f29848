#include "sluice/tests/structure/build_file.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

struct Token {
  // 's': a string, without quotes; 'w': a word or number; '$': the end; else
  // the character itself.
  char kind;
  std::string text;
  int line;
};

absl::Status Error(const SourceFile& file, int line, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(file.path, ":", line, ": ", what));
}

// Reads the string that begins at `*at`, and moves behind it.
absl::StatusOr<std::string> ReadString(const SourceFile& file, int line,
                                       size_t* at) {
  const absl::string_view rest = absl::string_view(file.text).substr(*at);
  const absl::string_view quotes =
      absl::StartsWith(rest, "\"\"\"") ? "\"\"\"" : "\"";
  std::string value;
  for (size_t i = quotes.size(); i < rest.size(); ++i) {
    if (absl::StartsWith(rest.substr(i), quotes)) {
      *at += i + quotes.size();
      return value;
    }
    if (rest[i] == '\n' && quotes.size() == 1) break;
    if (rest[i] == '\\' && ++i == rest.size()) break;
    value += rest[i];
  }
  return Error(file, line, "a string that does not end");
}

absl::StatusOr<std::vector<Token>> Tokenize(const SourceFile& file) {
  std::vector<Token> tokens;
  int line = 1;
  size_t i = 0;
  while (i < file.text.size()) {
    const char c = file.text[i];
    if (c == '\n') ++line;
    if (absl::ascii_isspace(c)) {
      ++i;
    } else if (c == '#') {
      while (i < file.text.size() && file.text[i] != '\n') ++i;
    } else if (c == '"') {
      const size_t start = i;
      absl::StatusOr<std::string> text = ReadString(file, line, &i);
      if (!text.ok()) return text.status();
      tokens.push_back({'s', *std::move(text), line});
      for (size_t j = start; j < i; ++j) line += file.text[j] == '\n';
    } else if (absl::ascii_isalnum(c) || c == '_') {
      std::string word;
      while (i < file.text.size() &&
             (absl::ascii_isalnum(file.text[i]) || file.text[i] == '_')) {
        word += file.text[i++];
      }
      tokens.push_back({'w', std::move(word), line});
    } else if (absl::StrContains("()[]{}=:,", c)) {
      tokens.push_back({c, std::string(1, c), line});
      ++i;
    } else {
      return Error(file, line,
                   absl::StrCat("'", std::string(1, c),
                                "' is more than this test understands: write "
                                "calls with plain strings, lists and words, "
                                "and put the rest into a .bzl file"));
    }
  }
  tokens.push_back({'$', "the end of the file", line});
  return tokens;
}

// The value of an argument. The result of a call is unknown.
struct Value {
  char kind = 'c';  // 's'tring, 'l'ist, 'w'ord, 'd'ictionary, 'c'all
  std::vector<std::string> strings = {};
  int line = 0;
};

using Arguments = std::map<std::string, Value>;

class Parser {
 public:
  Parser(const SourceFile* file, std::vector<Token> tokens)
      : file_(*file), tokens_(std::move(tokens)) {}

  absl::StatusOr<std::vector<BuildTarget>> Parse() {
    std::vector<BuildTarget> targets;
    while (next().kind != '$') {
      if (Accept('s')) continue;  // what the file is for
      const std::string rule = next().text;
      if (absl::Status s = Expect('w'); !s.ok()) return s;
      Arguments arguments;
      if (absl::Status s = ParseCall(&arguments); !s.ok()) return s;
      if (arguments.count("name") == 0) continue;  // load() and its like
      absl::StatusOr<BuildTarget> target = ToTarget(rule, arguments);
      if (!target.ok()) return target.status();
      targets.push_back(*std::move(target));
    }
    return targets;
  }

 private:
  const Token& next() const { return tokens_[at_]; }

  bool Accept(char kind) {
    if (next().kind != kind) return false;
    ++at_;
    return true;
  }

  absl::Status Expect(char kind) {
    if (Accept(kind)) return absl::OkStatus();
    return Error(file_, next().line,
                 absl::StrCat("'", next().text, "' where ",
                              kind == 'w' ? "a word" : std::string(1, kind),
                              " was expected"));
  }

  // From '(' to ')'. Positional arguments have no names here.
  absl::Status ParseCall(Arguments* arguments) {
    if (absl::Status s = Expect('('); !s.ok()) return s;
    while (!Accept(')')) {
      std::string name;
      if (next().kind == 'w' && tokens_[at_ + 1].kind == '=') {
        name = next().text;
        at_ += 2;
      }
      Value value;
      if (absl::Status s = ParseValue(&value); !s.ok()) return s;
      if (!name.empty()) (*arguments)[name] = std::move(value);
      if (next().kind != ')') {
        if (absl::Status s = Expect(','); !s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  absl::Status ParseValue(Value* value) {
    const Token token = next();
    value->line = token.line;
    if (Accept('[')) {
      value->kind = 'l';
      return ParseList(value);
    }
    if (Accept('{')) {
      value->kind = 'd';
      return ParseDictionary();
    }
    if (!Accept('s') && !Accept('w')) return Expect('w');
    if (token.kind == 'w' && next().kind == '(') {
      value->kind = 'c';
      Arguments ignored;
      return ParseCall(&ignored);
    }
    value->kind = token.kind;
    value->strings = {token.text};
    return absl::OkStatus();
  }

  absl::Status ParseList(Value* list) {
    while (!Accept(']')) {
      list->strings.push_back(next().text);
      if (absl::Status s = Expect('s'); !s.ok()) return s;
      if (next().kind != ']') {
        if (absl::Status s = Expect(','); !s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  // Skips a dictionary of strings, such as `env`: none affects the structure.
  absl::Status ParseDictionary() {
    while (!Accept('}')) {
      for (const char kind : {'s', ':', 's'}) {
        if (absl::Status s = Expect(kind); !s.ok()) return s;
      }
      if (next().kind != '}') {
        if (absl::Status s = Expect(','); !s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<BuildTarget> ToTarget(const std::string& rule,
                                       const Arguments& arguments) const {
    const Value& name = arguments.at("name");
    BuildTarget target;
    target.rule = rule;
    target.file = file_.path;
    target.line = name.line;
    if (name.kind != 's') {
      return Error(file_, name.line, "the name is no string");
    }
    target.label = Label(name.strings[0]);
    const bool ours = absl::StartsWith(rule, "sluice_cc_");
    for (const auto& [attribute, value] : arguments) {
      if (ours && !IsKnown(attribute)) {
        return Error(
            file_, value.line,
            absl::StrCat(target.label, ": add ", attribute,
                         " to the attributes in "
                         "tests/structure/build_file.cc, and what it means for "
                         "the structure"));
      }
      if (ours && value.kind == 'c') {
        return Error(file_, value.line,
                     absl::StrCat(target.label, ": write ", attribute,
                                  " as a plain list"));
      }
    }
    for (const std::string& text : Strings(arguments, "testonly")) {
      target.testonly = text == "True";
    }
    for (const std::string& text : Strings(arguments, "visibility")) {
      target.is_public |= text == "//visibility:public";
    }
    for (const std::string& text : Strings(arguments, "deps")) {
      target.deps.push_back(Label(text));
    }
    target.hdrs = Paths(Strings(arguments, "hdrs"));
    target.srcs = Paths(Strings(arguments, "srcs"));
    return target;
  }

  static bool IsKnown(absl::string_view attribute) {
    // From `alwayslink` on, no attribute names a target that is linked.
    for (absl::string_view known :
         {"name",        "testonly", "visibility", "deps",
          "hdrs",        "srcs",     "alwayslink", "args",
          "copts",       "data",     "defines",    "env",
          "flaky",       "linkopts", "linkstatic", "local_defines",
          "shard_count", "size",     "tags",       "target_compatible_with",
          "timeout"}) {
      if (attribute == known) return true;
    }
    return false;
  }

  static std::vector<std::string> Strings(const Arguments& arguments,
                                          const std::string& attribute) {
    const auto it = arguments.find(attribute);
    return it == arguments.end() ? std::vector<std::string>()
                                 : it->second.strings;
  }

  std::string package() const {
    const size_t slash = file_.path.rfind('/');
    return slash == std::string::npos ? "" : file_.path.substr(0, slash);
  }

  std::string Label(absl::string_view text) const {
    if (absl::StartsWith(text, "@")) {
      if (absl::StrContains(text, "//")) return std::string(text);
      return absl::StrCat(text, "//:", text.substr(1));
    }
    if (!absl::StartsWith(text, "//")) {
      return absl::StrCat("//", package(),
                          absl::StartsWith(text, ":") ? "" : ":", text);
    }
    if (absl::StrContains(text, ':')) return std::string(text);
    return absl::StrCat(text, ":", text.substr(text.rfind('/') + 1));
  }

  // Returns the paths of files in this package. Skips labels of other targets.
  std::vector<std::string> Paths(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) {
      if (absl::StartsWith(name, ":") || absl::StartsWith(name, "/")) continue;
      paths.push_back(
          absl::StrCat(package(), package().empty() ? "" : "/", name));
    }
    return paths;
  }

  const SourceFile& file_;
  const std::vector<Token> tokens_;
  size_t at_ = 0;
};

bool IsBuildFile(absl::string_view path) {
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  return name == "BUILD.bazel" || name == "BUILD";
}

}  // namespace

std::string PackageOf(const std::string& label) {
  return label.substr(2, label.find(':') - 2);
}

absl::StatusOr<std::vector<BuildTarget>> ParseBuildFile(
    const SourceFile& file) {
  absl::StatusOr<std::vector<Token>> tokens = Tokenize(file);
  if (!tokens.ok()) return tokens.status();
  return Parser(&file, *std::move(tokens)).Parse();
}

absl::StatusOr<std::vector<BuildTarget>> ParseBuildFiles(
    const std::vector<SourceFile>& tree) {
  std::vector<BuildTarget> all;
  for (const SourceFile& file : tree) {
    if (!IsBuildFile(file.path)) continue;
    absl::StatusOr<std::vector<BuildTarget>> targets = ParseBuildFile(file);
    if (!targets.ok()) return targets.status();
    all.insert(all.end(), targets->begin(), targets->end());
  }
  return all;
}

}  // namespace sluice

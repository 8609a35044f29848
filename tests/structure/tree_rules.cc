#include "sluice/tests/structure/tree_rules.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/cpp_text.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

// Returns the headers that share a target with others, each with its reason.
const std::set<std::string>& HeadersWithoutTarget() {
  static const auto* const headers = new std::set<std::string>{};
  return *headers;
}

// A folder of other workspaces: links may lead to it, although it is not in the
// tree.
constexpr absl::string_view kOtherWorkspaces = "examples";

bool IsCpp(absl::string_view path) {
  return absl::EndsWith(path, ".h") || absl::EndsWith(path, ".cc");
}

bool IsMarkdown(absl::string_view path) { return absl::EndsWith(path, ".md"); }

absl::string_view Folder(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash);
}

absl::string_view Name(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Returns "a/b" for "a/./c/../b", and ".." for paths out of the tree.
std::string Normalized(absl::string_view path) {
  std::vector<absl::string_view> parts;
  for (absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return "..";
    } else {
      parts.pop_back();
    }
  }
  return absl::StrJoin(parts, "/");
}

class Checker {
 public:
  Checker(const std::vector<SourceFile>* tree,
          const std::vector<BuildTarget>* targets)
      : tree_(*tree), targets_(*targets) {
    for (const SourceFile& file : tree_) {
      paths_.insert(file.path);
      for (absl::string_view f = Folder(file.path); !f.empty(); f = Folder(f)) {
        paths_.insert(std::string(f));
      }
    }
  }

  std::vector<std::string> Check() {
    CheckTargets();
    for (const SourceFile& file : tree_) {
      // The inputs that a fuzzer found are bytes of any form.
      if (absl::EndsWith(Folder(file.path), "_fuzz_corpus")) continue;
      if (IsCpp(file.path)) CheckOwner(file.path);
      CheckBlanks(file);
      CheckTodo(file);
      if (IsMarkdown(file.path)) CheckLinks(file);
    }
    CheckDecisions();
    return errors_;
  }

 private:
  void Report(absl::string_view path, int line, absl::string_view rule,
              absl::string_view advice) {
    errors_.push_back(absl::StrCat(path, ":", line, ": ", rule, ": ", advice));
  }

  void CheckTargets() {
    for (const BuildTarget& target : targets_) {
      if (absl::StartsWith(target.rule, "cc_")) {
        Report(
            target.file, target.line, "macro",
            absl::StrCat("declare ", target.label, " by sluice_", target.rule));
      }
      CheckOutput(target);
      for (const auto* files : {&target.hdrs, &target.srcs}) {
        for (const std::string& path : *files) {
          owners_[path].push_back(target.label);
        }
      }
      for (const std::string& header : target.hdrs) {
        const absl::string_view stem = absl::StripSuffix(Name(header), ".h");
        if (absl::EndsWith(target.label, absl::StrCat(":", stem)) ||
            HeadersWithoutTarget().count(header) > 0) {
          continue;
        }
        Report(
            target.file, target.line, "header",
            absl::StrCat("give ", header, " a target of its own, named ", stem,
                         ", or an exemption with its reason in "
                         "tests/structure/tree_rules.cc"));
      }
    }
  }

  // Bazel would write the program to the path of the folder.
  void CheckOutput(const BuildTarget& target) {
    if (absl::EndsWith(target.rule, "_library")) return;
    const std::string output = absl::StrReplaceAll(
        absl::StripPrefix(target.label, "//"), {{":", "/"}});
    if (paths_.count(output) == 0) return;
    Report(target.file, target.line, "output",
           absl::StrCat("rename ", target.label, ", or ", output,
                        ", which has the same path"));
  }

  void CheckOwner(const std::string& path) {
    const std::vector<std::string>& owners = owners_[path];
    if (owners.size() == 1) return;
    Report(path, 1, "orphan",
           owners.empty() ? absl::StrCat("add it to a target in ", Folder(path),
                                         "/BUILD.bazel, or remove it")
                          : absl::StrCat("leave it to one of ",
                                         absl::StrJoin(owners, ", ")));
  }

  void CheckBlanks(const SourceFile& file) {
    int line = 0;
    for (absl::string_view text : absl::StrSplit(file.text, '\n')) {
      ++line;
      if (absl::EndsWith(text, " ") || absl::EndsWith(text, "\r")) {
        Report(file.path, line, "blanks", "remove those at the line's end");
      }
      if (absl::StrContains(text, '\t')) {
        Report(file.path, line, "blanks", "write spaces for the tab");
      }
    }
  }

  // Checks the comments of C++ files and all text of other files, except
  // Markdown, which may mention `TODO`.
  void CheckTodo(const SourceFile& file) {
    const std::string text =
        IsCpp(file.path) ? SplitCpp(file.text).comments : file.text;
    int line = 0;
    for (absl::string_view rest : absl::StrSplit(text, '\n')) {
      ++line;
      const size_t at = rest.find("TODO");
      if (at == rest.npos) continue;
      if (at > 0 && (absl::ascii_isalnum(rest[at - 1]) ||
                     absl::StrContains("_`\"", rest[at - 1]))) {
        continue;
      }
      // The valid form is "(name): what".
      rest.remove_prefix(at + 4);
      const size_t close = rest.find("): ");
      if (absl::StartsWith(rest, "(") && close != rest.npos && close > 1 &&
          close + 3 < rest.size()) {
        continue;
      }
      Report(file.path, line, "todo", "write TODO(name): what, or do it");
    }
  }

  void CheckDecisions() {
    int number = 0;
    for (const SourceFile& file : tree_) {
      if (Folder(file.path) != "docs/decisions") continue;
      const absl::string_view name = Name(file.path);
      const std::string start = absl::StrFormat("%04d-", ++number);
      if (absl::StartsWith(name, start) && name.size() > start.size() + 3 &&
          IsMarkdown(name)) {
        continue;
      }
      Report(file.path, 1, "decisions",
             absl::StrCat("the name of this one must be ", start, "title.md"));
    }
  }

  // Checks inline links outside code.
  void CheckLinks(const SourceFile& file) {
    int line = 0;
    bool in_block = false;
    for (absl::string_view text : absl::StrSplit(file.text, '\n')) {
      ++line;
      if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "```")) {
        in_block = !in_block;
      }
      if (in_block) continue;
      int part = 0;
      for (absl::string_view span : absl::StrSplit(text, '`')) {
        if (part++ % 2 == 0) CheckLinksIn(file, line, span);
      }
    }
  }

  void CheckLinksIn(const SourceFile& file, int line, absl::string_view text) {
    for (size_t at; (at = text.find("](")) != text.npos;) {
      text.remove_prefix(at + 2);
      absl::string_view link = text.substr(0, text.find(')'));
      if (absl::StrContains(link, "://") || absl::StartsWith(link, "mailto:")) {
        continue;
      }
      link = link.substr(0, link.find('#'));
      if (link.empty()) continue;  // to a heading of the same file
      const std::string path =
          Normalized(absl::StrCat(Folder(file.path), "/", link));
      if (paths_.count(path) > 0 || absl::StartsWith(path, kOtherWorkspaces)) {
        continue;
      }
      Report(file.path, line, "link", absl::StrCat("there is no ", path));
    }
  }

  const std::vector<SourceFile>& tree_;
  const std::vector<BuildTarget>& targets_;
  std::set<std::string> paths_;  // of files and folders
  std::map<std::string, std::vector<std::string>> owners_;
  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> TreeErrors(const std::vector<SourceFile>& tree,
                                    const std::vector<BuildTarget>& targets) {
  return Checker(&tree, &targets).Check();
}

}  // namespace sluice

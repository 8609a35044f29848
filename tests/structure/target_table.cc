#include "sluice/tests/structure/target_table.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "sluice/tests/structure/build_file.h"
#include "sluice/tests/structure/source_tree.h"
#include "sluice/tests/structure/target_graph.h"

namespace sluice {
namespace {

constexpr std::array<absl::string_view, 7> kThreadWords = {"thread-safe",
                                                           "thread-compatible",
                                                           "loop-bound",
                                                           "sequence-bound",
                                                           "one consumer",
                                                           "value",
                                                           "-"};

// The names by which the table calls other people's repositories, in order.
struct Foreign {
  absl::string_view repository;
  absl::string_view name;
};
constexpr std::array<Foreign, 5> kForeign = {{
    {"@com_google_absl", "absl"},
    {"@com_google_googletest", "googletest"},
    {"@com_github_google_benchmark", "benchmark"},
    {"@com_github_google_glog", "glog"},
    {"@com_github_gflags_gflags", "gflags"},
}};

// Returns the fourth cell: "base, timer, absl".
std::string ClosureCell(const TargetGraph& graph, const std::string& label) {
  absl::StatusOr<std::set<std::string>> closure = graph.Closure(label);
  if (!closure.ok()) return std::string(closure.status().message());
  std::vector<std::string> names;
  for (const std::string& name : *closure) {
    if (!absl::StartsWith(name, "@")) names.push_back(name);
  }
  for (const Foreign& foreign : kForeign) {
    if (closure->erase(std::string(foreign.repository)) > 0) {
      names.emplace_back(foreign.name);
    }
  }
  for (const std::string& name : *closure) {
    if (absl::StartsWith(name, "@")) names.push_back(name);
  }
  return names.empty() ? "nothing" : absl::StrJoin(names, ", ");
}

class Table {
 public:
  Table(const SourceFile* readme, const TargetGraph* graph)
      : readme_(*readme), graph_(*graph) {}

  std::vector<std::string> Check() {
    int line = 0;
    for (absl::string_view text : absl::StrSplit(readme_.text, '\n')) {
      ++line;
      if (absl::StartsWith(text, "| `//")) CheckLine(line, text);
    }
    for (const auto& [label, target] : graph_.targets()) {
      if (!target.is_public || listed_.count(label) > 0) continue;
      Report(line, absl::StrCat("add, where its name belongs: | `", label,
                                "` | WHAT IT IS | THREADS | ",
                                ClosureCell(graph_, label),
                                " |, THREADS being one of ",
                                absl::StrJoin(kThreadWords, ", ")));
    }
    return errors_;
  }

 private:
  void Report(int line, absl::string_view what) {
    errors_.push_back(absl::StrCat(readme_.path, ":", line, ": ", what));
  }

  void CheckLine(int line, absl::string_view text) {
    std::vector<std::string> cells = absl::StrSplit(text, '|');
    for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
    if (cells.size() != 6) {
      Report(line, "write four cells: target, what it is, threads, closure");
      return;
    }
    const std::string label = absl::StrReplaceAll(cells[1], {{"`", ""}});
    const auto target = graph_.targets().find(label);
    if (target == graph_.targets().end() || !target->second.is_public) {
      Report(line, absl::StrCat("remove ", label, ": no public target"));
      return;
    }
    if (!listed_.insert(label).second) {
      Report(line, absl::StrCat("remove ", label, ": it is in the table"));
    }
    if (PackageOf(label) == PackageOf(last_) && label < last_) {
      Report(line, absl::StrCat("move ", label, " before ", last_));
    }
    last_ = label;
    if (std::count(kThreadWords.begin(), kThreadWords.end(), cells[3]) == 0) {
      Report(line, absl::StrCat("\"", cells[3], "\": write one of ",
                                absl::StrJoin(kThreadWords, ", ")));
    }
    const std::string closure = ClosureCell(graph_, label);
    if (cells[4] != closure) {
      Report(line,
             absl::StrCat("the line must be: | `", label, "` | ", cells[2],
                          " | ", cells[3], " | ", closure, " |"));
    }
  }

  const SourceFile& readme_;
  const TargetGraph& graph_;
  std::set<std::string> listed_;
  std::string last_ = "//:";
  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> TargetTableErrors(const SourceFile& readme,
                                           const TargetGraph& graph) {
  return Table(&readme, &graph).Check();
}

}  // namespace sluice

// Writes the figures of docs/benchmarks.md. Runs the comparisons, puts the
// output of each into its block of the document, and writes its picture into
// docs/benchmarks/. The rest of the document stays as it is.

#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/bench/report/conditions.h"
#include "sluice/bench/report/document_block.h"
#include "sluice/bench/report/user_file.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// A comparison that has a block in the document. Components() has the order of
// the document.
struct Component {
  std::string name;     // name of the block and of the picture
  std::string program;  // path under bench/
  std::string flags;    // flags in addition to --rounds and --svg
};

const std::vector<Component>& Components() {
  static const auto* const components = new std::vector<Component>{
      {"echo", "echo", " --connections=100,1000 --duration=2s"},
      {"echo_bulk", "echo",
       " --connections=100 --message_size=16384 --pipeline=16 --duration=1s"},
      {"timers", "timers", ""},
      {"queues", "queues", ""},
      {"pools", "pools", ""},
      {"loggers", "loggers", ""},
  };
  return *components;
}

std::string NamesOfAll() {
  return absl::StrJoin(Components(), ",",
                       [](std::string* out, const Component& component) {
                         out->append(component.name);
                       });
}

// Returns `word` quoted as one word of a shell.
std::string Quoted(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

// Returns the standard output of `command`. The standard error of `command` is
// that of this program.
absl::StatusOr<std::string> OutputOf(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::ErrnoToStatus(errno, "popen");
  std::string output;
  char buffer[4096];
  size_t size;
  while ((size = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, size);
  }
  const int ended = pclose(pipe);
  if (ended == 0) return output;
  return absl::AbortedError(
      absl::StrCat(WIFEXITED(ended) ? "exits with " : "killed by signal ",
                   WIFEXITED(ended) ? WEXITSTATUS(ended) : WTERMSIG(ended)));
}

// Runs one component, and writes its block and its picture. `top` is the path
// of the checkout.
absl::Status Measure(const Component& component, int64_t rounds,
                     const std::string& top) {
  const std::string flags = absl::StrCat("--rounds=", rounds, component.flags);
  const std::string picture =
      absl::StrCat("benchmarks/", component.name, ".svg");
  const absl::StatusOr<std::string> output = OutputOf(
      absl::StrCat("bench/", component.program, " ", flags,
                   " --svg=", Quoted(absl::StrCat(top, "/docs/", picture))));
  if (!output.ok()) return output.status();

  // The document is read only now, because somebody may have changed it during
  // the measurement.
  const std::string path = absl::StrCat(top, "/docs/benchmarks.md");
  const absl::StatusOr<std::string> document = ReadFile(path);
  if (!document.ok()) return document.status();
  const absl::StatusOr<std::string> replaced = ReplaceBlock(
      *document, component.name,
      absl::StrCat("```sh\n./bazelw run -c opt //bench:", component.program,
                   " -- ", flags, "\n```\n\n",
                   absl::FormatTime("%Y-%m-%d", Clock::Real()->WallNow(),
                                    absl::LocalTimeZone()),
                   "; ", *output, "\n![", component.name, "](", picture, ")"));
  if (!replaced.ok()) {
    return absl::Status(
        replaced.status().code(),
        absl::StrCat("docs/benchmarks.md ", replaced.status().message()));
  }
  return WriteFile(path, *replaced);
}

absl::StatusOr<std::vector<Component>> Pick(
    const std::vector<std::string>& names) {
  std::vector<Component> picked;
  for (const std::string& name : names) {
    const size_t before = picked.size();
    for (const Component& component : Components()) {
      if (component.name == name) picked.push_back(component);
    }
    if (picked.size() == before) {
      return absl::InvalidArgumentError(
          absl::StrCat("--only: \"", name, "\" is none of ", NamesOfAll()));
    }
  }
  return picked;
}

// Measures all components, even if one fails. Returns true if none failed.
bool MeasureAll(const std::vector<Component>& components, int64_t rounds,
                const std::string& top) {
  bool all_well = true;
  for (size_t i = 0; i < components.size(); ++i) {
    const std::string& name = components[i].name;
    std::fprintf(stderr, "%s, %zu of %zu\n", name.c_str(), i + 1,
                 components.size());
    const absl::Status status = Measure(components[i], rounds, top);
    if (status.ok()) continue;
    all_well = false;
    std::fprintf(stderr, "%s is not written: %s\n", name.c_str(),
                 std::string(status.message()).c_str());
  }
  return all_well;
}

int ReportMain(int argc, char* argv[]) {
  int64_t rounds = 9;
  std::vector<std::string> only;
  CommandLine line("sluice benchmark report",
                   "measures, and writes the figures of docs/benchmarks.md");
  line.AddInt("rounds", "how often each contender is measured", 1, &rounds);
  line.AddList("only", "NAME,NAME,...", absl::StrCat("which of ", NamesOfAll()),
               &only);
  const absl::StatusOr<CommandLine::Next> next = line.Parse(argc, argv);
  if (!next.ok()) return line.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::StatusOr<std::vector<Component>> components =
      line.given("only") ? Pick(only) : Components();
  if (!components.ok()) return line.FailUsage(components.status());

  const char* const top = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (top == nullptr || !IsOptimized()) {
    return line.Fail(absl::FailedPreconditionError(
        "run it by ./bazelw run -c opt //bench:comparisons"));
  }
  std::error_code error;
  std::filesystem::create_directories(absl::StrCat(top, "/docs/benchmarks"),
                                      error);
  return MeasureAll(*components, rounds, top) ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput("sluice benchmark report",
                                      sluice::ReportMain(argc, argv));
}

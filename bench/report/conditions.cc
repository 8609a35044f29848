#include "sluice/bench/report/conditions.h"

#include <sys/utsname.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

#if defined(__GNUC__) && !defined(__clang__)
constexpr char kCompiler[] = "g++ " __VERSION__;
#else
constexpr char kCompiler[] = __VERSION__;
#endif

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "an unknown CPU";
}

std::string PackageVersion(const std::string& package) {
  const auto query = Process::Start(
      "/usr/bin/dpkg-query",
      {.arguments = {"-W", "-f", "${db:Status-Abbrev} ${Version}", package}});
  if (!query.ok()) return "unknown";
  const absl::StatusOr<Process::Ended> ended =
      (*query)->Wait(absl::Seconds(30));
  if (!ended.ok() || ended->output.rfind("ii ", 0) != 0) return "unknown";
  return std::string(absl::StripAsciiWhitespace(ended->output.substr(3)));
}

}  // namespace

std::string MachineConditions() {
  utsname system{};
  uname(&system);
  return absl::StrCat(std::thread::hardware_concurrency(), " CPUs of ",
                      CpuModel(), "; ", system.sysname, " ", system.release,
                      "; ", kCompiler);
}

std::string PackageVersions(const std::vector<std::string>& packages) {
  return absl::StrJoin(
      packages, ", ", [](std::string* out, const std::string& package) {
        absl::StrAppend(out, package, " ", PackageVersion(package));
      });
}

bool IsOptimized() {
#ifdef NDEBUG
  return true;
#else
  return false;
#endif
}

void WarnIfNotOptimized() {
  if (IsOptimized()) return;
  std::fprintf(stderr, "This build is not optimized: bazel run -c opt is.\n");
}

}  // namespace sluice

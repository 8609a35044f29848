#ifndef SLUICE_BENCH_REPORT_CONDITIONS_H_
#define SLUICE_BENCH_REPORT_CONDITIONS_H_

#include <string>
#include <vector>

// The conditions of a measurement. Figures are worthless without them.
namespace sluice {

// Returns the processors, the kernel and the compiler: "2 CPUs of ...; Linux
// ...; g++ ...".
std::string MachineConditions();

// Returns the versions of installed Debian packages that dpkg-query(1) prints:
// "libevent-dev 2.1.12, libuv1-dev 1.44.2". If dpkg-query does not know a
// package, or there is no dpkg-query, the version is "unknown".
std::string PackageVersions(const std::vector<std::string>& packages);

bool IsOptimized();
// Warns on standard error if the program is not optimized.
void WarnIfNotOptimized();

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CONDITIONS_H_

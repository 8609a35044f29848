#ifndef SLUICE_BENCH_REPORT_CONDITIONS_H_
#define SLUICE_BENCH_REPORT_CONDITIONS_H_

#include <string>
#include <vector>

// What figures are worthless without.
namespace sluice {

// The processors, the kernel, the compiler: "2 CPUs of ...; Linux ...; g++
// ...".
std::string MachineConditions();

// The versions that dpkg-query(1) tells of installed Debian packages:
// "libevent-dev 2.1.12, libuv1-dev 1.44.2". Of those that it does not know, and
// where there is no dpkg-query, "unknown".
std::string PackageVersions(const std::vector<std::string>& packages);

bool IsOptimized();
// Says so on standard error, if the program is not.
void WarnIfNotOptimized();

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CONDITIONS_H_

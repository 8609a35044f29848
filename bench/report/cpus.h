#ifndef SLUICE_BENCH_REPORT_CPUS_H_
#define SLUICE_BENCH_REPORT_CPUS_H_

#include <cstddef>
#include <vector>

namespace sluice {

// Where the threads of a measurement run: on the first `count` CPUs that this
// process may use, or on all, if those are fewer. Thread-compatible.
class Cpus {
 public:
  explicit Cpus(size_t count);

  // The calling thread, and those that it starts from now on, to the CPU `i`
  // of them; where there are fewer it begins anew.
  void Pin(size_t i) const;

 private:
  std::vector<int> cpus_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CPUS_H_

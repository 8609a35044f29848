#ifndef SLUICE_BENCH_REPORT_CPUS_H_
#define SLUICE_BENCH_REPORT_CPUS_H_

#include <cstddef>
#include <vector>

namespace sluice {

// The CPUs on which the threads of a measurement run: the first `count` CPUs
// that this process may use, or all of these if there are fewer.
// Thread-compatible.
class Cpus {
 public:
  explicit Cpus(size_t count);

  // Pins the calling thread, and the threads that it starts from now on, to CPU
  // number `i` of these CPUs, modulo their number.
  void Pin(size_t i) const;

 private:
  std::vector<int> cpus_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CPUS_H_

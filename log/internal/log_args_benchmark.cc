// Measures what SLUICE_LOG does with its arguments on the calling thread: it
// measures their sizes and copies them, one record after the other.

#include <cstddef>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "sluice/log/internal/log_args.h"

namespace sluice {
namespace {

constexpr size_t kRingSize = 64 * 1024;

template <typename... Args>
void CopyAll(benchmark::State& state, const Args&... arguments) {
  const auto ring = std::make_unique<char[]>(kRingSize);
  size_t used = 0;
  for (auto _ : state) {
    (benchmark::DoNotOptimize(&arguments), ...);
    benchmark::ClobberMemory();  // strings may change
    const LogArgs<Args...> args(arguments...);
    const size_t size = args.size();
    if (size > kRingSize - used) used = 0;
    args.CopyTo(ring.get() + used);
    used += size;
  }
}

void BM_Nothing(benchmark::State& state) { CopyAll(state); }
BENCHMARK(BM_Nothing);

void BM_IntAndDouble(benchmark::State& state) { CopyAll(state, 1, 2.5); }
BENCHMARK(BM_IntAndDouble);

// One argument is a string of `range` characters.
void BM_IntDoubleString(benchmark::State& state) {
  CopyAll(state, 1, 2.5, std::string(static_cast<size_t>(state.range(0)), 'x'));
}
BENCHMARK(BM_IntDoubleString)->Arg(12)->Arg(100)->Arg(1000);

void BM_IntDoubleLiteral(benchmark::State& state) {
  CopyAll(state, 1, 2.5, "10.0.0.1:443");
}
BENCHMARK(BM_IntDoubleLiteral);

}  // namespace
}  // namespace sluice

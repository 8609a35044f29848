// Appends numbers and pieces of text, and compares with std::to_chars(),
// std::string and snprintf(). A log line has about six of them.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "sluice/log/log_text.h"

namespace sluice {
namespace {

constexpr size_t kValues = 256;

// Positive numbers of all lengths up to nine digits.
std::vector<int64_t> Integers() {
  std::vector<int64_t> integers(kValues);
  uint32_t random = 1;
  int64_t bound = 10;
  for (int64_t& integer : integers) {
    random = random * 1664525 + 1013904223;
    integer = random % bound;
    bound = bound < 1'000'000'000 ? bound * 10 : 10;
  }
  return integers;
}

// Returns these numbers divided by `divisor`: 1000 gives three digits after the
// point, 3 gives as many as a double has.
std::vector<double> Doubles(double divisor) {
  std::vector<double> doubles;
  for (int64_t integer : Integers()) {
    doubles.push_back(static_cast<double>(integer) / divisor);
  }
  return doubles;
}

// Calls `append(value)` for each value in turn.
template <typename Value, typename Append>
void Run(benchmark::State& state, const std::vector<Value>& values,
         Append append) {
  size_t i = 0;
  for (auto _ : state) {
    append(values[i]);
    i = (i + 1) % values.size();
  }
}

void BM_Decimal(benchmark::State& state) {
  LogText text;
  Run(state, Integers(), [&](int64_t value) {
    text.Clear();
    text.AppendDecimal(value);
    benchmark::DoNotOptimize(text.view().data());
  });
}
BENCHMARK(BM_Decimal);

void BM_DecimalByToChars(benchmark::State& state) {
  char text[32];
  Run(state, Integers(), [&](int64_t value) {
    benchmark::DoNotOptimize(std::to_chars(text, text + 32, value));
  });
}
BENCHMARK(BM_DecimalByToChars);

void BM_Double(benchmark::State& state) {
  LogText text;
  Run(state, Doubles(static_cast<double>(state.range(0))), [&](double value) {
    text.Clear();
    text.AppendDouble(value);
    benchmark::DoNotOptimize(text.view().data());
  });
}
BENCHMARK(BM_Double)->Arg(1000)->Arg(3);

void BM_DoubleByToChars(benchmark::State& state) {
  char text[32];
  Run(state, Doubles(static_cast<double>(state.range(0))), [&](double value) {
    benchmark::DoNotOptimize(std::to_chars(text, text + 32, value));
  });
}
BENCHMARK(BM_DoubleByToChars)->Arg(1000)->Arg(3);

void BM_DoubleBySnprintf(benchmark::State& state) {
  char text[32];
  Run(state, Doubles(static_cast<double>(state.range(0))), [&](double value) {
    benchmark::DoNotOptimize(std::snprintf(text, sizeof(text), "%g", value));
  });
}
BENCHMARK(BM_DoubleBySnprintf)->Arg(1000)->Arg(3);

// Appends ten pieces of `range` characters.
void BM_Pieces(benchmark::State& state) {
  const std::string piece(static_cast<size_t>(state.range(0)), 'x');
  LogText text;
  for (auto _ : state) {
    text.Clear();
    for (int i = 0; i < 10; ++i) text.Append(piece);
    benchmark::DoNotOptimize(text.view().data());
  }
}
BENCHMARK(BM_Pieces)->Arg(10)->Arg(100);

void BM_PiecesOfString(benchmark::State& state) {
  const std::string piece(static_cast<size_t>(state.range(0)), 'x');
  std::string text;
  for (auto _ : state) {
    text.clear();
    for (int i = 0; i < 10; ++i) text.append(piece);
    benchmark::DoNotOptimize(text.data());
  }
}
BENCHMARK(BM_PiecesOfString)->Arg(10)->Arg(100);

}  // namespace
}  // namespace sluice

// Measures what the back end does for a line: the header, the message from the
// bytes that the caller copied, and the escapes. For comparison, hand-written
// code makes the same line without escapes.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "sluice/log/internal/log_args.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {
namespace {

constexpr int64_t kStart = 1'800'000'000'000'000'000;
constexpr int64_t kStep = 250;  // nanoseconds, for four million lines a second
constexpr size_t kMessages = 256;

// A number, milliseconds with three digits after the point, and a peer.
struct Message {
  int number;
  double millis;
  char peer[12];
};

std::vector<Message> Messages() {
  std::vector<Message> messages(kMessages);
  uint32_t random = 1;
  for (Message& message : messages) {
    random = random * 1664525 + 1013904223;
    message.number = static_cast<int>(random >> 12);
    message.millis = (random >> 8) % 100000 / 1000.0;
    std::memcpy(message.peer, "10.0.0.1:443", sizeof(message.peer));
  }
  return messages;
}

absl::string_view Peer(const Message& message) {
  return {message.peer, sizeof(message.peer)};
}

// Calls `line(nanos, message)` in each iteration.
template <typename Line>
void Run(benchmark::State& state, Line line) {
  const std::vector<Message> messages = Messages();
  int64_t nanos = kStart;
  size_t i = 0;
  for (auto _ : state) {
    line(nanos, messages[i]);
    nanos += kStep;
    i = (i + 1) % kMessages;
  }
}

// The copy of the arguments included.
template <LogLineFormatter::Style kStyle>
void BM_Line(benchmark::State& state) {
  SLUICE_LOG_SITE(site, kInfo, "request {} took {} ms for {}", int{}, double{},
                  absl::string_view());
  LogLineFormatter formatter(kStyle);
  LogText text;
  char record[64];
  Run(state, [&](int64_t nanos, const Message& message) {
    const absl::string_view peer = Peer(message);
    const LogArgs<int, double, absl::string_view> args(message.number,
                                                       message.millis, peer);
    args.CopyTo(record);
    benchmark::DoNotOptimize(record);
    text.Clear();
    formatter.Begin({nanos, site.severity, "echo/0", site.file, site.line},
                    text);
    site.print(record, text);
    formatter.End(text);
    benchmark::DoNotOptimize(text.view().data());
  });
}
BENCHMARK_TEMPLATE(BM_Line, LogLineFormatter::Style::kText);
BENCHMARK_TEMPLATE(BM_Line, LogLineFormatter::Style::kJson);

char* Copy(char* to, absl::string_view piece) {
  std::memcpy(to, piece.data(), piece.size());
  return to + piece.size();
}

// The text of the second is already known.
void BM_LineByHand(benchmark::State& state) {
  char line[256];
  Run(state, [&](int64_t nanos, const Message& message) {
    char* to = Copy(line, "2027-01-15T08:00:00.");
    uint32_t micros = static_cast<uint32_t>(nanos % 1'000'000'000 / 1000);
    for (int i = 5; i >= 0; --i, micros /= 10) {
      to[i] = static_cast<char>('0' + micros % 10);
    }
    to = Copy(to + 6, "Z I echo/0 log_line_benchmark.cc:");
    to = std::to_chars(to, to + 16, __LINE__).ptr;
    to = Copy(to, "] request ");
    to = std::to_chars(to, to + 16, message.number).ptr;
    to = Copy(to, " took ");
    to = std::to_chars(to, to + 32, message.millis).ptr;
    to = Copy(to, " ms for ");
    to = Copy(to, Peer(message));
    *to++ = '\n';
    benchmark::DoNotOptimize(line);
    benchmark::DoNotOptimize(to);
  });
}
BENCHMARK(BM_LineByHand);

void BM_LineBySnprintf(benchmark::State& state) {
  char line[256];
  Run(state, [&](int64_t nanos, const Message& message) {
    benchmark::DoNotOptimize(std::snprintf(
        line, sizeof(line),
        "%s.%06dZ %c %s %s:%d] request %d took %g ms for %.*s\n",
        "2027-01-15T08:00:00", static_cast<int>(nanos % 1'000'000'000 / 1000),
        'I', "echo/0", "log_line_benchmark.cc", __LINE__, message.number,
        message.millis, static_cast<int>(sizeof(message.peer)), message.peer));
  });
}
BENCHMARK(BM_LineBySnprintf);

// Measures the most expensive part of the first three.
void BM_DoubleAlone(benchmark::State& state) {
  LogText text;
  Run(state, [&](int64_t, const Message& message) {
    text.Clear();
    text.AppendDouble(message.millis);
    benchmark::DoNotOptimize(text.view().data());
  });
}
BENCHMARK(BM_DoubleAlone);

// Measures a message of `range` characters without escapes, per byte.
template <LogLineFormatter::Style kStyle>
void BM_LongMessage(benchmark::State& state) {
  const std::string message(static_cast<size_t>(state.range(0)), 'x');
  LogLineFormatter formatter(kStyle);
  LogText text;
  for (auto _ : state) {
    text.Clear();
    formatter.Begin({kStart, LogSeverity::kInfo, "echo/0", "a.cc", 1}, text);
    text.Append(message);
    formatter.End(text);
    benchmark::DoNotOptimize(text.view().data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_TEMPLATE(BM_LongMessage, LogLineFormatter::Style::kText)
    ->Arg(100)
    ->Arg(4096);
BENCHMARK_TEMPLATE(BM_LongMessage, LogLineFormatter::Style::kJson)
    ->Arg(100)
    ->Arg(4096);

}  // namespace
}  // namespace sluice

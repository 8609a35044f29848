// Writes lines of 100 bytes to a file, in pieces, by FileWriter and by
// write(2). Both begin a new file after 64 MiB, and keep no old one.
//
// Run it with --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=9, and compare the medians of the CPU times.

#include <fcntl.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "sluice/base/check.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/internal/file_calls.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int64_t kMaxBytes = 64 << 20;

std::string Path() {
  const char* const folder = std::getenv("TEST_TMPDIR");
  return absl::StrCat(folder != nullptr ? folder : "/tmp",
                      "/file_writer_benchmark.log");
}

std::string Piece(benchmark::State& state) {
  std::string piece;
  while (static_cast<int64_t>(piece.size()) < state.range(0)) {
    absl::StrAppend(&piece, std::string(99, 'x'), "\n");
  }
  return piece;
}

void CountBytes(benchmark::State& state, const std::string& piece) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(piece.size()));
}

void BM_BareWrite(benchmark::State& state) {
  FileCalls* const kernel = KernelFileCalls();
  const std::string path = Path();
  const std::string piece = Piece(state);
  const auto open = [&] {
    const IoResult fd = kernel->Open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, /*mode=*/0640);
    SLUICE_CHECK(fd.ok());
    return static_cast<int>(fd.value());
  };
  int fd = open();
  int64_t size = 0;
  for (auto _ : state) {
    if (size + static_cast<int64_t>(piece.size()) > kMaxBytes) {
      SLUICE_CHECK(kernel->Unlink(path).ok() && kernel->Close(fd).ok());
      fd = open();
      size = 0;
    }
    for (absl::string_view rest = piece; !rest.empty();) {
      const IoResult written = kernel->Write(fd, rest);
      SLUICE_CHECK(written.ok());
      rest.remove_prefix(written.value());
    }
    size += static_cast<int64_t>(piece.size());
  }
  SLUICE_CHECK(kernel->Unlink(path).ok() && kernel->Close(fd).ok());
  CountBytes(state, piece);
}
BENCHMARK(BM_BareWrite)->Arg(100)->Arg(64 << 10);

void BM_FileWriter(benchmark::State& state) {
  const std::string piece = Piece(state);
  auto writer = FileWriter::Open(Clock::Real(), Path(),
                                 {.max_bytes = kMaxBytes, .keep = 0});
  SLUICE_CHECK(writer.ok());
  for (auto _ : state) {
    absl::string_view rest = piece;
    SLUICE_CHECK((*writer)->Write(&rest).ok());
  }
  SLUICE_CHECK(KernelFileCalls()->Unlink(Path()).ok());
  CountBytes(state, piece);
}
BENCHMARK(BM_FileWriter)->Arg(100)->Arg(64 << 10);

}  // namespace
}  // namespace sluice

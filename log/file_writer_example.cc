// Writes a log of at most three files of a kilobyte each.

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/file_writer.h"
#include "sluice/timer/clock.h"

int main(int argc, char** argv) {
  sluice::FillStandardDescriptors();  // the file must not become one of them
  const char* const path = argc > 1 ? argv[1] : "/tmp/file_writer_example.log";
  auto writer = sluice::FileWriter::Open(sluice::Clock::Real(), path,
                                         {.max_bytes = 1024, .keep = 2});
  if (!writer.ok()) {
    std::fprintf(stderr, "%s\n", writer.status().ToString().c_str());
    return 1;
  }
  for (int i = 1; i <= 1000; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    absl::string_view rest = line;
    const absl::Status status = (*writer)->Write(&rest);
    // After an error, `rest` may be written again later: a full disk may get
    // room.
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  }
  const absl::Status flushed = (*writer)->Flush();
  if (!flushed.ok()) std::fprintf(stderr, "%s\n", flushed.ToString().c_str());
  const sluice::FileWriter::Stats stats = (*writer)->stats();
  std::printf("%llu bytes, %llu rotations: see %s, .1 and .2\n",
              static_cast<unsigned long long>(stats.bytes),
              static_cast<unsigned long long>(stats.rotations), path);
  return sluice::FinishStandardOutput("file_writer_example", 0);
}

// Logs to a file that rotates, with a logger that main() makes.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

// A type that says how it is printed, as for newer versions of Abseil.
struct Point {
  int x, y;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Point& point) {
  absl::Format(&sink, "%d/%d", point.x, point.y);
}
// Makes SLUICE_LOG copy the object now and print it later, on the log's thread.
const Point& SluiceLogCopy(const Point& point) { return point; }

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();  // the file must not become one of them
  const std::string path = argc > 1 ? argv[1] : "example.log";
  const sluice::Clock* const clock = sluice::Clock::Real();
  auto file = sluice::FileWriter::Open(clock, path, {});
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.status().ToString().c_str());
    return 1;
  }
  sluice::AsyncLogger logger(*std::move(file), {.clock = clock});
  const auto thread = sluice::LoggerThread::Start(&logger);
  const auto crashes = sluice::LogCrashHandler::Install(&logger);
  if (!thread.ok() || !crashes.ok()) return 1;

  SLUICE_LOG(&logger, kInfo, "{} started, at {}", argv[0], Point{3, 4});
  SLUICE_LOG(&logger, kDebug, "not logged: the level is info");
  for (int i = 0; i < 1000; ++i) {
    SLUICE_LOG_EVERY_N(&logger, kInfo, 250, "{} of {} done, {:.1f} %", i, 1000,
                       i / 10.0);
    SLUICE_LOG_EVERY(&logger, kWarning, absl::Seconds(1), "once a second: {}",
                     i);
  }
  std::printf("see %s\n", path.c_str());
  return sluice::FinishStandardOutput("log_example", 0);
}

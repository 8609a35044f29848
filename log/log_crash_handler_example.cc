// A program whose log is complete after exit() and after a crash. Without
// arguments it ends by exit(); with one it crashes:
//
//   ... I log_crash_handler log_crash_handler_example.cc:23] request 999
//   ... F log_crash_handler log_crash_handler.cc:298] ended by signal 6
//   (SIGABRT)

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "sluice/base/standard_descriptors.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace {

void Serve(sluice::AsyncLogger* logger, bool crash) {
  for (int i = 0; i < 1000; ++i) SLUICE_LOG(logger, kInfo, "request {}", i);
  if (crash) std::abort();
  std::exit(0);
}

}  // namespace

int main(int argc, char**) {
  sluice::FillStandardDescriptors();
  sluice::AsyncLogger logger(
      std::make_unique<sluice::DescriptorWriter>(STDERR_FILENO),
      {.clock = sluice::Clock::Real()});
  const auto thread = sluice::LoggerThread::Start(&logger);
  const auto handler = sluice::LogCrashHandler::Install(&logger);
  if (!thread.ok() || !handler.ok()) {
    std::fprintf(stderr, "no thread, or no memory, for the log\n");
    return 1;
  }
  Serve(&logger, argc > 1);
}

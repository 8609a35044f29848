// A program that logs by glog, without waiting for a disk.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "glog/logging.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/glog/glog_bridge.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace {

// Existing code, which logs by glog.
void Serve() {
  LOG(INFO) << "serving";
  errno = ECONNRESET;
  PLOG(WARNING) << "reading from 10.0.0.1:80";
}

}  // namespace

int main(int argc, char** argv) {
  sluice::FillStandardDescriptors();
  (void)argc;
  google::InitGoogleLogging(argv[0]);
  sluice::AsyncLogger logger(
      std::make_unique<sluice::DescriptorWriter>(STDOUT_FILENO),
      {.clock = sluice::Clock::Real()});
  auto thread = sluice::LoggerThread::Start(&logger);
  if (!thread.ok()) {
    std::fprintf(stderr, "%s\n", thread.status().ToString().c_str());
    return 1;
  }
  sluice::GlogBridge bridge(&logger);

  Serve();
  // New code can use SLUICE_LOG; the lines keep their order.
  SLUICE_LOG(&logger, kInfo, "served {} clients", 1);
}

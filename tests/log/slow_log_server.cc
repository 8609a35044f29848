// An echo server that logs each message to a writer that takes 100 ms for each
// piece. The argument selects how the server logs:
//
//   nothing   does not log
//   logger    logs through AsyncLogger, as servers should
//   by_hand   calls the writer on the loop, as servers should not

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

class SlowWriter final : public LogWriter {
 public:
  absl::Status Write(absl::string_view* lines) override {
    Pass(absl::Milliseconds(100));
    lines->remove_prefix(lines->size());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }
};

// An echo handler that logs to each of `logger` and `writer` that is not null.
class Handler final : public EchoHandler {
 public:
  Handler(AsyncLogger* logger, LogWriter* writer)
      : logger_(logger), writer_(writer) {}

  size_t OnInput(Stream& stream, absl::string_view input) override {
    SLUICE_LOG(logger_, kInfo, "{} bytes: {}", input.size(), input);
    if (writer_ != nullptr) {
      const std::string line = absl::StrCat(input.size(), " bytes\n");
      absl::string_view rest = line;
      (void)writer_->Write(&rest);
    }
    return EchoHandler::OnInput(stream, input);
  }

 private:
  AsyncLogger* const logger_;
  LogWriter* const writer_;
};

int Serve(const std::string& how) {
  const Platform platform = LinuxPlatform();
  auto loop = NewEventLoop(platform).value();
  AsyncLogger logger(std::make_unique<SlowWriter>(), {.clock = platform.clock});
  const auto thread = LoggerThread::Start(&logger).value();
  SlowWriter by_hand;
  AsyncLogger* const used_logger = how == "logger" ? &logger : nullptr;
  LogWriter* const used_writer = how == "by_hand" ? &by_hand : nullptr;
  const auto server =
      TcpServer::Start(&platform, {loop.get()}, SocketAddress::Loopback4(0),
                       [=](const SocketAddress&) {
                         return std::make_unique<Handler>(used_logger,
                                                          used_writer);
                       },
                       {})
          .value();
  std::printf("%s\n", server->address().ToString().c_str());
  std::fflush(stdout);
  return loop->Run().ok() ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  return argc == 2 ? sluice::Serve(argv[1]) : 2;
}

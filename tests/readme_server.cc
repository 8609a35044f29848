#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"

// Answers each line with its length.
class LineLengths : public sluice::StreamHandler {
 public:
  size_t OnInput(sluice::Stream& stream, absl::string_view input) override {
    size_t done = 0;
    for (size_t end; (end = input.find('\n', done)) != input.npos;) {
      stream.Write(absl::StrCat(end - done, "\n"));
      done = end + 1;
    }
    return done;  // the rest comes again, with what arrives next
  }
};

int main() {
  const sluice::Platform platform = sluice::LinuxPlatform();
  auto loop = sluice::NewEventLoop(platform).value();
  auto server = sluice::TcpServer::Start(
      &platform, {loop.get()}, sluice::SocketAddress::Loopback4(7008),
      [](const auto&) { return std::make_unique<LineLengths>(); }, {});
  if (server.ok()) return loop->Run().ok() ? 0 : 1;
  std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
  return 1;
}

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "log/logger.h"  // ours; of Sluice's headers all begin with "sluice/"
#include "sluice/log/descriptor_writer.h"
#include "sluice/net/linux_platform.h"
#include "sluice/net/tcp_server.h"

// Answers each line with its length.
class LineLengths : public sluice::StreamHandler {
 public:
  size_t OnInput(sluice::Stream& stream, absl::string_view input) override {
    size_t done = 0;
    for (size_t end; (end = input.find('\n', done)) != input.npos;) {
      stream.Write(absl::StrCat(end - done, "\n"));
      done = end + 1;
    }
    return done;
  }
};

int main() {
  sluice::DescriptorWriter output(/*fd=*/1);
  downstream::Logger log(&output, "line_server");
  const sluice::Platform platform = sluice::LinuxPlatform();
  auto loop = sluice::NewEventLoop(platform);
  if (!loop.ok()) {
    std::fprintf(stderr, "%s\n", loop.status().ToString().c_str());
    return 1;
  }
  auto server = sluice::TcpServer::Start(
      &platform, {loop->get()}, sluice::SocketAddress::Loopback4(0),
      [](const auto&) { return std::make_unique<LineLengths>(); }, {});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  log.Log(absl::StrCat("listening on ", (*server)->address().ToString()));
  return (*loop)->Run().ok() ? 0 : 1;
}

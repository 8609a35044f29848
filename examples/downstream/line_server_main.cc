#include <cstdio>

#include "absl/strings/str_cat.h"
#include "line_server.h"
#include "log/logger.h"  // ours; all headers of Sluice begin with "sluice/"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/net/transport/linux_platform.h"

int main() {
  sluice::FillStandardDescriptors();  // a socket must not get number 0, 1 or 2
  sluice::DescriptorWriter output(/*fd=*/1);
  downstream::Logger log(&output, "line_server");
  const sluice::Platform platform = sluice::LinuxPlatform();
  auto loop = sluice::NewEventLoop(platform);
  if (!loop.ok()) {
    std::fprintf(stderr, "%s\n", loop.status().ToString().c_str());
    return 1;
  }
  auto server = downstream::LineServer::Start(
      &platform, loop->get(), sluice::SocketAddress::Loopback4(0));
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  log.Log(absl::StrCat("listening on ", server->address().ToString()));
  return (*loop)->Run().ok() ? 0 : 1;
}

#include "sluice/tests/support/echo_server_shape.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {

std::vector<EchoServerShape> EchoServerShapes() {
  std::vector<EchoServerShape> shapes;
  for (const char* const poller : {"epoll", "poll", "select"}) {
    shapes.push_back({"single", 1, poller});
    shapes.push_back({"reuseport", 2, poller});
  }
  return shapes;
}

absl::StatusOr<std::unique_ptr<EchoServerProcess>> EchoServerShapeTest::Start(
    Process::Options options) {
  const EchoServerShape& shape = GetParam();
  options.arguments.push_back("--model=" + shape.model);
  options.arguments.push_back(absl::StrCat("--threads=", shape.threads));
  options.arguments.push_back("--poller=" + shape.poller);
  return EchoServerProcess::Start(std::move(options));
}

}  // namespace sluice

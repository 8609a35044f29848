#include "line_server.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace downstream {
namespace {

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

}  // namespace

absl::StatusOr<LineServer> LineServer::Start(
    const sluice::Platform* platform, sluice::EventLoop* loop,
    const sluice::SocketAddress& address) {
  auto server = sluice::TcpServer::Start(
      platform, {loop}, address,
      [](const auto&) { return std::make_unique<LineLengths>(); }, {});
  if (!server.ok()) return server.status();
  return LineServer(*std::move(server));
}

}  // namespace downstream

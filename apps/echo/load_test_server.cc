#include "sluice/apps/echo/load_test_server.h"

#include <utility>

#include "absl/status/status.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/transport/linux_platform.h"

namespace sluice {

class LoadTestServer::Handler final : public StreamHandler {
 public:
  Handler(LoadTestServer* server, size_t number)
      : server_(server), number_(number) {}

  void OnOpen(Stream& stream) override {
    server_->streams_[number_] = &stream;
    if (server_->stalled_) stream.PauseReading();
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    uint64_t& received = server_->received_[number_];
    const uint64_t offset = std::exchange(received, received + input.size());
    if (server_->on_input) {
      server_->on_input(stream, input, offset);
    } else {
      stream.Write(input);
    }
    return input.size();
  }
  void OnInputEnd(Stream& stream) override {
    if (server_->on_input_end) {
      server_->on_input_end(stream);
    } else {
      stream.ShutdownWrite();
    }
  }
  void OnClosed(Stream&, absl::Status, CloseReason) override {
    server_->streams_[number_] = nullptr;
  }

 private:
  LoadTestServer* const server_;
  const size_t number_;
};

LoadTestServer::LoadTestServer(EventLoop::Options options)
    : platform_(LinuxPlatform()) {
  platform_.clock = &clock_;
  loop_ = NewEventLoop(platform_, std::move(options)).value();
  server_ = TcpServer::Start(
                &platform_, {loop_.get()}, SocketAddress::Loopback4(0),
                [this](const SocketAddress& peer) {
                  peers_.push_back(peer);
                  received_.push_back(0);
                  streams_.push_back(nullptr);
                  return std::make_unique<Handler>(this, peers_.size() - 1);
                },
                {})
                .value();
}

LoadTestServer::~LoadTestServer() {
  server_.reset();
  RunIterations();  // its connections end
}

void LoadTestServer::Stall() {
  stalled_ = true;
  for (Stream* const stream : streams_) {
    if (stream != nullptr) stream->PauseReading();
  }
}

void LoadTestServer::Release() {
  stalled_ = false;
  for (Stream* const stream : streams_) {
    if (stream != nullptr) stream->ResumeReading();
  }
}

bool LoadTestServer::RunUntil(absl::FunctionRef<bool()> done) {
  for (int i = 0; i < 30'000; ++i) {
    if (done()) return true;
    if (!loop_->RunOnce(absl::Milliseconds(1)).ok()) return false;
  }
  return false;
}

void LoadTestServer::RunIterations() {
  for (int i = 0; i < 20; ++i) (void)loop_->RunOnce(absl::ZeroDuration());
}

}  // namespace sluice

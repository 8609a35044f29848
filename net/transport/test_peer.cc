#include "sluice/net/transport/test_peer.h"

#include <algorithm>
#include <cerrno>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"

namespace sluice {
namespace {

constexpr int kMaxIterations = 30'000;

}  // namespace

size_t TestPeer::Send(absl::string_view bytes) {
  const IoResult sent =
      socket_.api().Write(socket_.fd(), absl::MakeConstSpan(&bytes, 1));
  return sent.ok() ? static_cast<size_t>(sent.value()) : 0;
}

void TestPeer::Receive(size_t max) {
  static constexpr size_t kPiece = 64 * 1024;
  char buffer[kPiece];
  while (max > 0 && !closed()) {
    const IoResult result = socket_.api().Read(
        socket_.fd(), absl::MakeSpan(buffer, std::min(max, kPiece)));
    if (result.would_block()) return;
    if (!result.ok()) {
      error_ = result.error();
      return;
    }
    const size_t size = static_cast<size_t>(result.value());
    ended_ = size == 0;
    received_.append(buffer, size);
    received_bytes_ += size;
    max -= size;
  }
}

void TestPeer::ShutdownWrite() {
  (void)socket_.api().ShutdownWrite(socket_.fd());
}

SocketAddress TestPeer::Address(SocketApi::End end) const {
  return *socket_.api().Address(socket_.fd(), end);
}

std::pair<Socket, Socket> NewSocketPair(EventLoop* loop, SocketApi* api,
                                        int buffer_bytes) {
  const auto set_buffers = [&](const Socket& socket) {
    if (buffer_bytes == 0) return;
    for (const auto option :
         {SocketApi::Option::kSendBuffer, SocketApi::Option::kReceiveBuffer}) {
      SLUICE_CHECK(api->SetOption(socket.fd(), option, buffer_bytes).ok());
    }
  };
  const Socket listener(api, *api->Listen(SocketAddress::Loopback4(0), {}));
  set_buffers(listener);  // accepted sockets inherit them
  const SocketAddress address =
      *api->Address(listener.fd(), SocketApi::End::kLocal);
  const IoResult connecting = api->StartConnect(address, /*local=*/nullptr);
  SLUICE_CHECK(connecting.ok());
  Socket first(api, static_cast<int>(connecting.value()));
  set_buffers(first);
  IoResult accepted = IoResult::FromErrno(EAGAIN);
  const bool connected = RunUntil(loop, [&] {
    accepted = api->Accept(listener.fd(), /*peer=*/nullptr);
    return !accepted.would_block();
  });
  SLUICE_CHECK(connected && accepted.ok());
  return {std::move(first), Socket(api, static_cast<int>(accepted.value()))};
}

std::string TestPattern(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

const std::string& ManyBytes() {
  static const std::string& bytes = *new std::string(TestPattern(kManyBytes));
  return bytes;
}

bool RunUntil(EventLoop* loop, absl::FunctionRef<bool()> done) {
  for (int i = 0; i < kMaxIterations; ++i) {
    if (done()) return true;
    SLUICE_CHECK(loop->RunOnce(absl::Milliseconds(1)).ok());
  }
  return done();
}

void RunIterations(EventLoop* loop, int iterations) {
  for (int i = 0; i < iterations; ++i) {
    SLUICE_CHECK(loop->RunOnce(absl::ZeroDuration()).ok());
  }
}

}  // namespace sluice

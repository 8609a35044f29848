#ifndef SLUICE_NET_SOCKET_GATED_SOCKETS_H_
#define SLUICE_NET_SOCKET_GATED_SOCKETS_H_

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/io_result.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The kernel's sockets with limits that a test sets (testonly). Write() takes
// no more bytes than there is `room` for, and then returns EAGAIN although the
// poller reports the socket as writable. Accept() fails while accept_error is
// set. Thread-compatible.
class GatedSockets final : public SocketApi {
 public:
  int writes = 0;             // Write() calls that the kernel accepted
  size_t room = SIZE_MAX;     // bytes that may still be written
  size_t written = 0;         // bytes
  size_t pieces_of_last = 0;  // of the last such call
  const char* memory_of_last =
      nullptr;           // the first bytes of the last such call
  int accept_error = 0;  // errno of each Accept(); 0: calls the kernel

  IoResult Write(int fd, absl::Span<const absl::string_view> pieces) override {
    absl::string_view fitting[kMaxPieces];
    size_t count = 0;
    size_t size = 0;
    for (const absl::string_view piece : pieces) {
      if (count == kMaxPieces || size == room) break;
      fitting[count] = piece.substr(0, room - size);
      size += fitting[count++].size();
    }
    if (count == 0) return IoResult::FromErrno(EAGAIN);
    const IoResult result =
        kernel_->Write(fd, absl::MakeConstSpan(fitting, count));
    if (result.ok()) {
      ++writes;
      pieces_of_last = count;
      memory_of_last = fitting[0].data();
      written += static_cast<size_t>(result.value());
      if (room != SIZE_MAX) room -= static_cast<size_t>(result.value());
    }
    return result;
  }

  absl::StatusOr<int> Listen(const SocketAddress& address,
                             const ListenOptions& options) override {
    return kernel_->Listen(address, options);
  }
  absl::StatusOr<SocketAddress> Address(int fd, End end) override {
    return kernel_->Address(fd, end);
  }
  IoResult Accept(int listen_fd, SocketAddress* peer) override {
    if (accept_error != 0) return IoResult::FromErrno(accept_error);
    return kernel_->Accept(listen_fd, peer);
  }
  IoResult StartConnect(const SocketAddress& peer,
                        const SocketAddress* local) override {
    return kernel_->StartConnect(peer, local);
  }
  IoResult PendingError(int fd) override { return kernel_->PendingError(fd); }
  IoResult Read(int fd, absl::Span<char> into) override {
    return kernel_->Read(fd, into);
  }
  IoResult UnreadBytes(int fd) override { return kernel_->UnreadBytes(fd); }
  IoResult ShutdownWrite(int fd) override { return kernel_->ShutdownWrite(fd); }
  IoResult SetOption(int fd, Option option, int value) override {
    return kernel_->SetOption(fd, option, value);
  }
  void Close(int fd, CloseMode mode) override { kernel_->Close(fd, mode); }
  IoResult FindFile(const std::string& path, FileId* id) override {
    return kernel_->FindFile(path, id);
  }
  IoResult RemoveFile(const std::string& path) override {
    return kernel_->RemoveFile(path);
  }

 private:
  SocketApi* const kernel_ = KernelSockets();
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_GATED_SOCKETS_H_

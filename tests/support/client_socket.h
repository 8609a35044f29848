#ifndef SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_
#define SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// A client's end of a stream, for tests of servers (testonly): bare system
// calls on a non-blocking descriptor, none of the library's own I/O, so that a
// test can do what no good client does. Calls that wait fail with
// kDeadlineExceeded when nothing has moved for kPatience. Thread-compatible;
// owns its descriptor.
class ClientSocket {
 public:
  // Far longer than anything should take, on a busy machine too.
  static constexpr absl::Duration kPatience = absl::Seconds(30);

  struct Options {
    int buffer = 0;  // SO_SNDBUF and SO_RCVBUF; 0: the kernel's choice
  };
  // `address` as SocketAddress::Parse() takes it. An error of connect(2) has
  // the code of absl::ErrnoToStatus().
  static absl::StatusOr<ClientSocket> Connect(absl::string_view address,
                                              Options options);
  static absl::StatusOr<ClientSocket> Connect(absl::string_view address) {
    return Connect(address, {});
  }

  ClientSocket() = default;  // not connected
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&& other) noexcept;
  ~ClientSocket() { Close(); }

  int fd() const { return fd_; }

  absl::Status Send(absl::string_view data);
  // What the kernel takes at once; 0 if it takes none.
  size_t TrySend(absl::string_view data);
  // Of what was sent, how many bytes the peer's kernel has not got yet. TCP
  // alone.
  size_t Unacknowledged() const;
  // Sends FIN.
  absl::Status ShutdownWrite();
  // `data` and FIN in one segment. TCP alone.
  absl::Status SendAndShutdownWrite(absl::string_view data);

  // Exactly `size` bytes. kOutOfRange: EOF came before.
  absl::StatusOr<std::string> Receive(size_t size);
  // Of what there is `size` bytes at most, at least one; "": EOF.
  absl::StatusOr<std::string> ReceiveSome(size_t size);
  // All until EOF.
  absl::StatusOr<std::string> ReceiveAll();
  // Whether there is input, EOF or an error to be received in time.
  bool WaitReadable(absl::Duration timeout) const;
  // Whether the kernel takes more in time, or would tell of an error.
  bool WaitWritable(absl::Duration timeout) const;

  // Sends `data` and wants it back.
  absl::Status Echo(absl::string_view data);

  void Close();
  // Closes with RST.
  void Reset();

 private:
  explicit ClientSocket(int fd) : fd_(fd) {}

  bool Poll(short events, absl::Duration timeout) const;
  // Until then, kPatience at most.
  absl::Status Wait(short events) const;

  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_

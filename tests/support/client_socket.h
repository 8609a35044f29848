#ifndef SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_
#define SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// A client's end of a stream, for tests of servers (testonly). It makes bare
// system calls on a non-blocking descriptor and uses none of the library's own
// I/O, so that a test can misbehave as no good client does. An error of a
// system call has the code of absl::ErrnoToStatus(). Calls that wait fail with
// kDeadlineExceeded if nothing has moved for kPatience. Thread-compatible. Owns
// its descriptor.
class ClientSocket {
 public:
  // The longest wait: far longer than any call should take, even on a busy
  // machine.
  static constexpr absl::Duration kPatience = absl::Seconds(30);

  struct Options {
    int buffer = 0;  // bytes of SO_SNDBUF and SO_RCVBUF; 0: the kernel's choice
  };
  // Connects to `address`, in the form that SocketAddress::Parse() takes.
  // Returns kInvalidArgument if the address has another form.
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

  // Sends all of `data`, and waits while the kernel takes none.
  absl::Status Send(absl::string_view data);
  // Sends the bytes that the kernel takes at once, and returns their number; 0
  // if it takes none, or on an error.
  size_t TrySend(absl::string_view data);
  // Returns the number of sent bytes that the peer's kernel has not
  // acknowledged yet. TCP only.
  size_t Unacknowledged() const;
  // Sends FIN.
  absl::Status ShutdownWrite();
  // Sends `data` and FIN in one segment. TCP only.
  absl::Status SendAndShutdownWrite(absl::string_view data);

  // Receives exactly `size` bytes. Returns kOutOfRange if EOF comes earlier.
  absl::StatusOr<std::string> Receive(size_t size);
  // Waits for input, and returns from one to `size` bytes of it; "" at EOF.
  absl::StatusOr<std::string> ReceiveSome(size_t size);
  // Receives all bytes until EOF.
  absl::StatusOr<std::string> ReceiveAll();
  // Returns whether input, EOF or an error can be received within `timeout`.
  bool WaitReadable(absl::Duration timeout) const;
  // Returns whether the kernel takes more output, or reports an error, within
  // `timeout`.
  bool WaitWritable(absl::Duration timeout) const;

  // Sends `data` and receives as many bytes. Returns kDataLoss if they differ.
  absl::Status Echo(absl::string_view data);

  // Closes the descriptor, if there is one.
  void Close();
  // Closes with RST.
  void Reset();

 private:
  explicit ClientSocket(int fd) : fd_(fd) {}

  bool Poll(short events, absl::Duration timeout) const;
  // Waits for `events`, for kPatience at most.
  absl::Status Wait(short events) const;

  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_CLIENT_SOCKET_H_

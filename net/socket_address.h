#ifndef SLUICE_NET_SOCKET_ADDRESS_H_
#define SLUICE_NET_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// An IPv4, IPv6 or Unix-domain address, as the system calls take it. Looks up
// no host or service names. Value type of 136 bytes, too large to be kept per
// connection: ask the kernel again instead.
//
// Equality is of meaning: family, address, port and scope, or the Unix name.
// Padding and IPv6 flow labels are not kept.
class SocketAddress {
 public:
  // No address: family() is AF_UNSPEC, size() is 0.
  SocketAddress() = default;

  // The address written in one of these ways, or kInvalidArgument with a
  // message that quotes `text` and says what is wrong with it:
  //   127.0.0.1:80      four decimal numbers; the port is 0 to 65535, without
  //                     sign, blanks or leading zeros
  //   [::1]:80          IPv6 always stands in brackets
  //   :80               every address of this host, IPv4 and IPv6, to listen on
  //   [fe80::1%2]:80    with a scope: an interface's index or its name, which
  //                     is looked up now
  //   unix:/run/a.sock  a file's path, absolute or not, of 1 to 107 bytes
  //   unix:@name        an abstract name of 0 to 107 bytes of any value
  //   unix:             an unnamed socket; to bind to it is to be given a free
  //                     abstract name
  // In a Unix name the escape \xNN, of two hexadecimal digits, is the byte NN;
  // a backslash is written \x5c and stands for nothing else. A file whose name
  // begins with "@" is unix:./@file or unix:\x40file.
  static absl::StatusOr<SocketAddress> Parse(absl::string_view text);

  static SocketAddress Loopback4(uint16_t port);
  static SocketAddress Loopback6(uint16_t port);
  // Every address of this host, of both families: for SocketApi::Listen().
  static SocketAddress Everywhere(uint16_t port);

  // What a system call filled in. kInvalidArgument if `size` is too short for
  // the family, if the family is another one, or if a Unix path has 108 bytes,
  // which leaves no room for its NUL.
  static absl::StatusOr<SocketAddress> FromSockaddr(const sockaddr* address,
                                                    socklen_t size);

  // AF_INET6 for an address of both families.
  int family() const { return storage_.ss_family; }
  // True for Everywhere() and for nothing else: [::]:80 is IPv6 alone. data()
  // is the same for both, so that FromSockaddr() gives [::]:80.
  bool both_families() const { return both_families_; }
  // 0 for Unix-domain addresses.
  uint16_t port() const;
  // The path of a Unix-domain socket's file, NUL-terminated where it ends.
  // Empty for every other address. Valid as long as this object.
  absl::string_view unix_path() const;

  const sockaddr* data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  socklen_t size() const { return size_; }

  // Printable ASCII on one line, in the forms of Parse(), which gives an equal
  // address back; a scope is printed as a number. No address is "unspecified",
  // which Parse() refuses.
  std::string ToString() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);

 private:
  // The first `size` bytes at `address` are all that counts; the rest is zero.
  SocketAddress(const void* address, socklen_t size);

  // REQUIRES: 1 <= path.size() <= 107, without NULs.
  static SocketAddress UnixPath(absl::string_view path);
  // REQUIRES: name.size() <= 107.
  static SocketAddress UnixAbstract(absl::string_view name);
  static absl::StatusOr<SocketAddress> ParseUnix(absl::string_view text,
                                                 absl::string_view name);

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
  bool both_families_ = false;
};

// Prints an address as ToString() does, in SLUICE_LOG and by newer versions of
// Abseil.
template <typename Sink>
void AbslStringify(Sink& sink, const SocketAddress& address) {
  sink.Append(address.ToString());
}
// Makes SLUICE_LOG copy the address now and print it later, on the log's
// thread.
inline const SocketAddress& SluiceLogCopy(const SocketAddress& address) {
  return address;
}

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_ADDRESS_H_

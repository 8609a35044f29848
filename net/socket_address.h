#ifndef SLUICE_NET_SOCKET_ADDRESS_H_
#define SLUICE_NET_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/base/cxx20.h"

namespace sluice {

// An IPv4, IPv6 or Unix-domain address, in the form that system calls take.
// Looks up no host or service names. Value type of 136 bytes. That is too large
// to keep one per connection: ask the kernel again instead.
//
// Two addresses are equal if they have the same family, address, port and
// scope, or the same Unix name. Everywhere() differs from [::]. Padding and
// IPv6 flow labels are not kept.
class SocketAddress {
 public:
  // Creates an object with no address: family() is AF_UNSPEC, size() is 0.
  SocketAddress() = default;

  // Parses an address in one of the forms below. Returns kInvalidArgument for
  // other text; the message quotes `text` and says what is wrong with it.
  //   127.0.0.1:80      four decimal numbers; the port is 0 to 65535, without
  //                     sign, blanks or leading zeros
  //   [::1]:80          IPv6 always stands in brackets
  //   :80               every address of this host, IPv4 and IPv6, to listen on
  //   [fe80::1%2]:80    with a scope: the index or the name of an interface; a
  //                     name is looked up during this call
  //   unix:/run/a.sock  a file's path, absolute or relative, of 1 to 107 bytes
  //                     that are not NUL
  //   unix:@name        an abstract name of 0 to 107 bytes of any value
  //   unix:             an unnamed socket; if a socket is bound to it, the
  //                     kernel chooses a free abstract name
  // In a Unix name, the escape \xNN stands for one byte, in two hexadecimal
  // digits. A backslash is written \x5c and has no other use. A file whose name
  // begins with "@" is written unix:./@file or unix:\x40file.
  static absl::StatusOr<SocketAddress> Parse(absl::string_view text);

  static SocketAddress Loopback4(uint16_t port);
  static SocketAddress Loopback6(uint16_t port);
  // Returns every address of this host, of both families: for
  // SocketApi::Listen().
  static SocketAddress Everywhere(uint16_t port);

  // Returns the address that a system call filled in. Returns kInvalidArgument
  // if `size` is too short for the family, if the family is not supported, or
  // if a Unix path has 108 bytes, which leaves no room for its NUL.
  static absl::StatusOr<SocketAddress> FromSockaddr(const sockaddr* address,
                                                    socklen_t size);

  // Returns AF_INET6 for an address of both families.
  int family() const { return storage_.ss_family; }
  // Returns true for Everywhere() only: [::]:80 is IPv6 alone. data() is the
  // same for both, so FromSockaddr() returns [::]:80.
  bool both_families() const { return both_families_; }
  // Returns 0 for a Unix-domain address and for an object with no address.
  uint16_t port() const;
  // Returns the path of a Unix-domain socket's file, with a NUL after its end.
  // Returns "" for every other address. Valid as long as this object.
  absl::string_view unix_path() const;

  const sockaddr* data() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  socklen_t size() const { return size_; }

  // Returns the address as printable ASCII on one line, in a form of Parse().
  // Parse() turns the text back into an equal address. A scope is printed as a
  // number. An object with no address gives "unspecified", which Parse()
  // refuses.
  std::string ToString() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);

 private:
  // Copies `size` bytes from `address` and fills the rest with zeros.
  SocketAddress(const void* address, socklen_t size);

  // Returns the address of a path or of an abstract name. REQUIRES: name.size()
  // <= 107; a path is not empty and has no NULs.
  static SocketAddress Unix(absl::string_view name, bool abstract);
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

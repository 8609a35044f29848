#ifndef SLUICE_NET_SIM_SIM_UNIX_H_
#define SLUICE_NET_SIM_SIM_UNIX_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sluice/net/sim/sim_socket.h"
#include "sluice/net/sim/sim_socket_host.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The Unix-domain sockets of one simulated host (testonly). An action at one
// end is visible at the other end at once, and nothing is lost. Files stay when
// their sockets close and when the host goes down; abstract names do not. A
// path is a plain name: there are no folders, and two different paths are two
// files.
//
// The host outlives this object, and this object outlives its sockets.
// Thread-compatible.
class SimUnix {
 public:
  // `buffer_bytes` limits the bytes that one end has written and the other has
  // not read.
  SimUnix(SimSocketHost* host, size_t buffer_bytes)
      : host_(*host), buffer_bytes_(buffer_bytes) {}
  SimUnix(const SimUnix&) = delete;
  SimUnix& operator=(const SimUnix&) = delete;

  // Takes the host down: all listeners end.
  void GoDown();

  // Return an errno, or 0 and the socket, which gets the descriptor `fd`.
  // REQUIRES: up, and Unix addresses.
  int Listen(int fd, const SocketAddress& address, int backlog,
             std::unique_ptr<SimSocket>* socket);
  int StartConnect(int fd, const SocketAddress& address,
                   const SocketAddress* local,
                   std::unique_ptr<SimSocket>* socket);

  // Returns the number of the file at that path, or 0 if there is no file. No
  // two files ever have the same number.
  uint64_t FileNumber(const std::string& path) const;
  // Removes the file at that path. Returns false if there is no file.
  bool RemoveFile(const std::string& path);

 private:
  class Listener;
  class Stream;
  struct Name {
    uint64_t number = 0;
    Listener* listener = nullptr;  // nullptr: connections are refused
  };

  std::map<std::string, Name>& NamesLike(const SocketAddress& address);
  // Returns nullptr if the name is not taken.
  Name* Find(const SocketAddress& address);
  // Takes the address, in the form that bind() gives it. Returns an errno; 0
  // for success.
  int Bind(const SocketAddress& address, SocketAddress* bound,
           uint64_t* number);
  // Frees the address of a socket that closes. Its file stays.
  void Release(const SocketAddress& address, uint64_t number);

  SimSocketHost& host_;
  const size_t buffer_bytes_;
  std::map<std::string, Name> files_;     // by path
  std::map<std::string, Name> abstract_;  // by the address's text
  uint64_t last_number_ = 0;
  uint64_t last_autobound_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_UNIX_H_

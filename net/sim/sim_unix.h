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

// The Unix-domain sockets of one simulated host (testonly): what happens at one
// end is known at the other at once, and nothing is lost. Files stay when their
// sockets close, and when the host goes down; abstract names do not. A path is
// a name like any other: there are no folders, and no two spellings of one.
//
// Thread-compatible. The host outlives it, and it outlives its sockets.
class SimUnix {
 public:
  // `buffer_bytes`: what one end has written and the other not read, at most.
  SimUnix(SimSocketHost* host, size_t buffer_bytes)
      : host_(*host), buffer_bytes_(buffer_bytes) {}
  SimUnix(const SimUnix&) = delete;
  SimUnix& operator=(const SimUnix&) = delete;

  // The host goes down, and nobody listens any more.
  void GoDown();

  // Each an errno, or 0 and the socket, which has that descriptor.
  // REQUIRES: up, and Unix addresses.
  int Listen(int fd, const SocketAddress& address, int backlog,
             std::unique_ptr<SimSocket>* socket);
  int StartConnect(int fd, const SocketAddress& address,
                   const SocketAddress* local,
                   std::unique_ptr<SimSocket>* socket);

  // The number of the file at that path, which no other one ever has; 0: none.
  uint64_t FileNumber(const std::string& path) const;
  // False if there is none.
  bool RemoveFile(const std::string& path);

 private:
  class Listener;
  class Stream;
  struct Name {
    uint64_t number = 0;
    Listener* listener = nullptr;  // who is asked there; nullptr: nobody
  };

  std::map<std::string, Name>& NamesLike(const SocketAddress& address);
  // nullptr: nobody has that name.
  Name* Find(const SocketAddress& address);
  // The address as bind() has it, which is taken now. An errno; 0: none.
  int Bind(const SocketAddress& address, SocketAddress* bound,
           uint64_t* number);
  // Who has bound to the address closes. Its file stays.
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

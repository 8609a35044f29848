#ifndef SLUICE_NET_SIM_SIM_TCP_H_
#define SLUICE_NET_SIM_SIM_TCP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/sim_descriptors.h"
#include "sluice/net/sim/sim_socket.h"
#include "sluice/net/sim/sim_socket_host.h"
#include "sluice/net/sim/sim_tcp_stack.h"
#include "sluice/net/sim/sim_unix.h"
#include "sluice/net/sim/sim_wire.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The sockets of one host of a simulated network (testonly): TCP as its callers
// see it on Linux, without its packets, and Unix-domain sockets. Bytes arrive
// in order and complete, or the connection ends. A packet that is lost is sent
// again, at growing intervals, for as long as Linux would. A host that is down
// answers nothing. When a host has come up again, it resets earlier
// connections, and the files of its Unix-domain sockets are still there.
//
// Passes //net/socket:socket_conformance: readiness and errors of all calls,
// ports and their release, TIME_WAIT, a socket that connects to itself.
// Options: kKeepAlive sends probes after two idle hours, and ends a connection
// whose peer does not answer. kSendBuffer and kReceiveBuffer limit the bytes
// that are written and not read, as on Linux with the default
// net.core.wmem_max. kNoDelay has no visible effect, because no bytes wait to
// be sent. Accepted sockets have the options of their listener.
//
// Not simulated: two sockets that connect to each other at the same time; files
// that are not sockets; folders; listeners of both families, for which Listen()
// returns kUnimplemented. Two differences from Linux: a connection can
// be accepted from its SYN on, not from the third packet; and a reset does not
// take back written bytes, which are already under way.
//
// Makes no callbacks: readiness is in descriptors(). A call takes O(log n) time
// with n sockets, but the search for a free port may try all ports. The SimWire
// outlives it. Thread-compatible.
class SimTcp final : public SocketApi {
 public:
  struct Options {
    // The most bytes that are written and not yet read at the other end, for
    // each direction of a connection. 1 to 2^30.
    size_t buffer_bytes = 64 * 1024;
    int max_descriptors = 1024;  // at least 0
  };
  // REQUIRES: at least one address; each has port 0.
  SimTcp(SimWire* wire, std::string name, std::vector<SocketAddress> addresses,
         Options options);
  ~SimTcp() override;

  const std::string& name() const { return name_; }
  // Returns the first address of the constructor, with port 0.
  const SocketAddress& address() const { return tcp_.address(); }
  SimDescriptors& descriptors() { return host_.descriptors(); }
  // Returns how often the readiness of a descriptor has changed.
  uint64_t changes() const { return host_.changes(); }

  // Takes the host down: its sockets send and report nothing. Calls of its
  // program fail with ENETDOWN, except for Close(), Address(), UnreadBytes()
  // and PendingError().
  void GoDown();
  // Brings the host up, without any socket. REQUIRES: down, and each descriptor
  // closed.
  void ComeUp();
  bool is_up() const { return host_.is_up(); }
  // Returns true if `address`, with any port, is one of this host.
  bool Has(const SocketAddress& address) const { return tcp_.Has(address); }
  // Returns the number of open descriptors.
  size_t open_descriptors() const { return open_; }

  absl::StatusOr<int> Listen(const SocketAddress& address,
                             const ListenOptions& options) override;
  absl::StatusOr<SocketAddress> Address(int fd, End end) override;
  IoResult Accept(int listen_fd, SocketAddress* peer) override;
  IoResult StartConnect(const SocketAddress& peer,
                        const SocketAddress* local) override;
  IoResult PendingError(int fd) override;
  IoResult Read(int fd, absl::Span<char> into) override;
  IoResult UnreadBytes(int fd) override;
  IoResult Write(int fd, absl::Span<const absl::string_view> pieces) override;
  IoResult ShutdownWrite(int fd) override;
  IoResult SetOption(int fd, Option option, int value) override;
  IoResult FindFile(const std::string& path, FileId* id) override;
  IoResult RemoveFile(const std::string& path) override;
  void Close(int fd, CloseMode mode) override;

 private:
  // Draws an error for a call that opens a descriptor. Returns an errno; 0 for
  // none.
  int OpenFault();
  // Returns nullptr if there is none.
  SimSocket* Find(int fd) const;
  int Keep(int fd, std::unique_ptr<SimSocket> socket);
  // Returns true by chance, for more EINTRs in a row than a call retries.
  bool Interrupted();
  // Draws an error for a call that moves bytes. Returns an errno; 0 for none.
  int Fault();
  // Returns the result of `call` on the socket, or ENETDOWN if the host is
  // down.
  template <typename Call>
  IoResult On(int fd, Call call);
  // Writes the result to the trace.
  void NoteResult(int fd, absl::string_view call, IoResult result);

  SimWire& wire_;
  const std::string name_;
  const int max_descriptors_;
  SimSocketHost host_;
  SimTcpStack tcp_;
  SimUnix unix_;
  std::vector<std::unique_ptr<SimSocket>> sockets_;  // by descriptor
  size_t open_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TCP_H_

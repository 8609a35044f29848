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

// The sockets of one host of a simulated network (testonly): TCP as Linux shows
// it to its callers, without its packets, and Unix-domain sockets. Bytes arrive
// in order and whole, or the connection ends: a packet that does not pass is
// sent again, later and later, for as long as Linux would. A host that is down
// answers nothing; one that has come back resets what it does not know, and
// finds the files of its Unix-domain sockets.
//
// What //net/socket:socket_conformance says of Linux holds here: readiness and
// errors of all calls, ports and their end, TIME_WAIT, a socket that connects
// to itself. Options: kKeepAlive asks after two idle hours, and ends what does
// not answer; kSendBuffer and kReceiveBuffer bound what is written and not
// read, as Linux does with net.core.wmem_max as it comes; kNoDelay has no
// effect that a program could see, for nothing waits to be sent. Accepted
// sockets have the options of their listener.
//
// Not simulated: two sockets that connect to each other at once; files that
// are no sockets; the folders of paths. A connection waits to be accepted from
// its SYN on, not from the third packet, and what was written has set out, so
// that a reset takes none of it back.
//
// Calls nobody: what is ready stands in its SimDescriptors. A call costs
// O(log n) with n sockets. Thread-compatible. Owns nothing of what it is made
// with, all of which outlives it.
class SimTcp final : public SocketApi {
 public:
  struct Options {
    // What is written and was not read at the other end, at most, for each
    // direction of a connection. 1 to 2^30.
    size_t buffer_bytes = 64 * 1024;
    int max_descriptors = 1024;  // at least 0
  };
  SimTcp(SimWire* wire, std::string name, std::vector<SocketAddress> addresses,
         Options options);
  ~SimTcp() override;

  const std::string& name() const { return name_; }
  // Without a port. REQUIRES: it was made with one.
  const SocketAddress& address() const { return tcp_.address(); }
  SimDescriptors& descriptors() { return host_.descriptors(); }
  // How often something else was ready than before.
  uint64_t changes() const { return host_.changes(); }

  // From now on the host is not there: its sockets do nothing and tell nobody.
  // What its program calls fails with ENETDOWN, but for Close().
  void GoDown();
  // Anew, without any socket. REQUIRES: down, and each descriptor closed.
  void ComeUp();
  bool is_up() const { return host_.is_up(); }
  // Whether `address`, whatever its port, is one of this host.
  bool Has(const SocketAddress& address) const { return tcp_.Has(address); }
  // Descriptors that are open.
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
  // The errno of an attempt to make a descriptor; 0: none.
  int OpenFault();
  // nullptr: there is none.
  SimSocket* Find(int fd) const;
  int Keep(int fd, std::unique_ptr<SimSocket> socket);
  // By chance, so often that it is not retried any more.
  bool Interrupted();
  // Why a call moves no bytes whatever there is to move; 0: it may.
  int Fault();
  // What `call` gives of the socket, unless the host is down.
  template <typename Call>
  IoResult On(int fd, Call call);
  // In the trace.
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

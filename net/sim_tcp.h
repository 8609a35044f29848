#ifndef SLUICE_NET_SIM_TCP_H_
#define SLUICE_NET_SIM_TCP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller.h"
#include "sluice/event/sim_descriptors.h"
#include "sluice/net/sim_wire.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/socket_api.h"
#include "sluice/timer/clock.h"

namespace sluice {

// The sockets of one host of a simulated network (testonly): TCP as Linux shows
// it to its callers, without its packets. Bytes arrive in order and whole, or
// the connection ends: a packet that does not pass is sent again, later and
// later, for as long as Linux would. A host that is down answers nothing; one
// that has come back resets what it does not know.
//
// What //net:socket_conformance says of Linux holds here. Not simulated:
// TIME_WAIT (a port is free when its socket is closed), a socket that connects
// to itself, and the effect of SetOption(). A connection waits to be accepted
// from its SYN on, not from the third packet.
//
// Calls nobody: what is ready stands in its SimDescriptors. Thread-compatible.
// Owns nothing of what it is made with, all of which outlives it.
class SimTcp final : public SocketApi {
 public:
  struct Options {
    // What is written and was not read at the other end, at most, for each
    // direction of a connection.
    size_t buffer_bytes = 64 * 1024;
    int max_descriptors = 1024;
  };
  SimTcp(SimWire* wire, std::string name, std::vector<SocketAddress> addresses,
         Options options);
  ~SimTcp() override;

  const std::string& name() const { return name_; }
  // Without a port. REQUIRES: it was made with one.
  const SocketAddress& address() const { return addresses_.front(); }
  SimDescriptors& descriptors() { return descriptors_; }

  // From now on the host is not there: its sockets do nothing and tell nobody.
  // What its program calls fails with ENETDOWN, but for Close().
  void GoDown();
  // Anew, without any socket. REQUIRES: down, and each descriptor closed.
  void ComeUp();
  bool is_up() const { return up_; }
  // Whether `address`, whatever its port, is one of this host.
  bool Has(const SocketAddress& address) const;
  // Descriptors that are open.
  size_t open_descriptors() const { return sockets_.size(); }

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
  void Close(int fd, CloseMode mode) override;

 private:
  struct Connection;
  struct Descriptor;
  struct Side;
  struct Flow;
  struct Listener;

  // -- Descriptors --

  // The errno of an attempt to make one; 0: none.
  int OpenFault();
  int OpenDescriptor(Descriptor descriptor);
  Descriptor* Find(int fd);
  enum class Use { kConnect, kListen, kListenTogether };
  // Whether a socket of this host is in the way of one that binds to it.
  bool IsTaken(const SocketAddress& address, Use use) const;
  // One that is free there; 0 if there is none.
  uint16_t TakePort(const SocketAddress& address);
  Listener* FindListener(const SocketAddress& address);
  // By chance, so often that it is not retried any more.
  bool Interrupted();
  // EINTR and EAGAIN, by chance.
  IoResult Interruption();

  // -- Connections: `end` is 0 where it was made, 1 where it was accepted --

  // The address to come from. An errno; 0: none.
  int ChooseSource(const SocketAddress& peer, const SocketAddress* local,
                   SocketAddress* source);
  void SendSyn(const std::shared_ptr<Connection>& connection, int attempt);
  void RetrySyn(const std::shared_ptr<Connection>& connection, int attempt);
  void OnSyn(const std::shared_ptr<Connection>& connection, SimTcp* from,
             int attempt);
  void OnSynAck(const std::shared_ptr<Connection>& connection);
  // Whether the end is one of a connection that this host, since it last came
  // up, knows.
  bool IsThere(const Side& end) const;
  uint64_t Room(const Flow& flow) const;
  // What has just been written at `end`, or FIN, sets out.
  void Send(const std::shared_ptr<Connection>& connection, int end, size_t size,
            bool fin);
  // It did not arrive: all up to `position` is sent again.
  void Retry(const std::shared_ptr<Connection>& connection, int end,
             uint64_t position, bool fin, absl::Duration delay,
             MonotonicTime give_up);
  // On the host of the other end.
  void Arrive(const std::shared_ptr<Connection>& connection, int end,
              uint64_t position, bool fin);
  // The writer at `end` hears what was read here.
  void TellFreed(const std::shared_ptr<Connection>& connection, int end,
                 absl::Duration retry);
  // `end` is over; the other one will hear of it.
  void Reset(const std::shared_ptr<Connection>& connection, int end);
  void OnReset(const std::shared_ptr<Connection>& connection, int end);
  void Fail(const std::shared_ptr<Connection>& connection, int end, int error);
  static void FinishIfDone(Connection& connection);
  int TakeError(Connection& connection, int end);

  // -- Readiness --

  void Update(Connection& connection, int end);
  void UpdateListener(const Listener* listener);
  void SetReady(int fd, IoEvents ready);
  void Note(int fd, absl::string_view what);

  SimWire& wire_;
  const std::string name_;
  const std::vector<SocketAddress> addresses_;
  const Options options_;
  SimDescriptors descriptors_;
  bool up_ = true;
  uint64_t epoch_ = 0;  // how often it went down
  std::map<int, std::unique_ptr<Descriptor>> sockets_;
  uint16_t next_port_ = 32768;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_TCP_H_

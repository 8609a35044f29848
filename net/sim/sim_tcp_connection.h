#ifndef SLUICE_NET_SIM_SIM_TCP_CONNECTION_H_
#define SLUICE_NET_SIM_SIM_TCP_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/io_result.h"
#include "sluice/net/sim/sim_byte_queue.h"
#include "sluice/net/sim/sim_ports.h"
#include "sluice/net/sim/sim_socket.h"
#include "sluice/net/sim/sim_socket_host.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

namespace sluice {

// What can be set of a stream, by SetOption().
struct SimTcpOptions {
  bool keep_alive = false;
  // What is written and was not read fits both buffers together.
  size_t send_buffer = 0;
  size_t receive_buffer = 0;

  void Set(SocketApi::Option option, int value);
};

// A simulated TCP connection (testonly): its two ends, and what is under way
// between them. End 0 is the one that connected, end 1 was accepted; a socket
// that is connected to itself has end 0 alone. Who makes it does the handshake,
// and says when an end is open; all that follows is here.
//
// Kept by the sockets of its ends and by what is under way. Hosts outlive it.
// Thread-compatible.
class SimTcpConnection final
    : public std::enable_shared_from_this<SimTcpConnection> {
 public:
  // `bound`: the port was chosen by the user, and stays his until he closes.
  // The pair of addresses is taken now.
  SimTcpConnection(SimSocketHost* host, int fd, const SocketAddress& source,
                   const SocketAddress& peer, bool bound,
                   const SimTcpOptions& options);
  SimTcpConnection(const SimTcpConnection&) = delete;
  SimTcpConnection& operator=(const SimTcpConnection&) = delete;

  // -- The handshake --

  // End 1 is there from now on, and open.
  void MakeOtherEnd(SimSocketHost* host, const SimTcpOptions& options);
  bool has_other_end() const { return ends_[1].host != nullptr; }
  // End 1 is end 0.
  void JoinToItself();
  bool is_connecting() const { return IsThere(ends_[0]) && !ends_[0].open; }
  // What comes back from end 1: end 0 is open. One that has gone meanwhile
  // resets the other.
  void OnSynAck();

  // -- Ends --

  // What the user of the end calls. REQUIRES: called once for each.
  std::unique_ptr<SimSocket> NewSocket(int end);
  // The end is accepted.
  void SetDescriptor(int end, int fd);
  const SocketAddress& address(int end) const { return ends_[end].address; }
  // When what sets out from `end` now arrives: after all that is under way.
  MonotonicTime NextArrival(int end, absl::Duration delay);
  // The end is over; the other one will hear of it. False if it does not, for
  // nobody sends that again.
  bool Reset(int end);
  // The end is over, with that error.
  void Fail(int end, int error);

 private:
  class EndSocket;

  struct Side {
    SimSocketHost* host = nullptr;
    uint64_t epoch = 0;  // the host's
    SocketAddress address;
    std::optional<SimPorts::Pair> pair;  // what it holds, or waits for
    SimTcpOptions options;
    MonotonicTime heard;  // of the other end
    int fd = -1;          // none: not accepted yet, or closed
    int error = 0;        // pending
    bool bound = false;
    bool open = false;          // the handshake is done here
    bool gone = false;          // reset, or failed, or both directions are done
    bool disconnected = false;  // has gone, and never was there
    bool closed = false;        // by Close(): nobody reads here any more
    bool waits = false;         // the last ACK is its: TIME_WAIT follows
    bool orphaned = false;      // closed, and has sent all: kept for so long
    bool probing = false;       // keep-alive has begun
  };

  // What goes from one end to the other. Positions count bytes.
  struct Flow {
    SimByteQueue bytes;    // from `read` to `sent`
    uint64_t sent = 0;     // taken from the writer
    uint64_t arrived = 0;  // at the reader's host
    uint64_t read = 0;     // by the reader
    uint64_t freed = 0;    // of what was read the writer's host has heard
    bool fin_sent = false;
    bool fin_arrived = false;
    MonotonicTime last_arrival;
    // While a packet is sent again: what is to arrive with it.
    bool retrying = false;
    uint64_t arrives = 0;
    bool fin_arrives = false;
  };

  int Other(int end) const { return joined_ ? end : 1 - end; }
  SimWire& wire() const { return ends_[0].host->wire(); }
  // Whether the end is one of a connection that its host, since it last came
  // up, knows.
  static bool IsThere(const Side& end) {
    return end.host->is_up() && end.epoch == end.host->epoch();
  }

  // -- Calls --

  IoResult Read(int end, absl::Span<char> into);
  IoResult Write(int end, absl::Span<const absl::string_view> pieces);
  IoResult ShutdownWrite(int end);
  void SetOption(int end, SocketApi::Option option, int value);
  void Close(int end, CloseMode mode);
  int TakeError(int end);
  size_t Buffer(int from) const;
  uint64_t Room(int from) const;
  void Update(int end);

  // -- Packets --

  std::optional<absl::Duration> Pass(int from, size_t bytes);
  // What has just been written at `from`, or FIN, sets out.
  void Send(int from, size_t size, bool fin);
  // It did not arrive: all up to `position` is sent again.
  void Retry(int from, uint64_t position, bool fin, absl::Duration delay,
             MonotonicTime give_up);
  void SendAgain(int from, absl::Duration delay, MonotonicTime give_up);
  void Arrive(int from, uint64_t position, bool fin);
  // The writer at `to` hears what was read.
  void TellFreed(int to, absl::Duration retry);
  void OnReset(int end);
  void FinishIfDone();

  // -- Ports --

  // The end has gone: its pair is free, save for TIME_WAIT.
  void Leave(int end);
  void WaitForLast(int end);
  // One that is closed and only waits for the other's FIN waits not for long.
  void OrphanIfSent(int end);
  bool WasForgotten(const Side& end) const;

  // -- Keep-alive --

  // If it was asked for, and the end is open.
  void StartProbing(int end);
  void ProbeAfter(int end, absl::Duration delay, int unanswered);
  void Probe(int end, int unanswered);

  Side ends_[2];
  Flow flows_[2];  // from these
  bool joined_ = false;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TCP_CONNECTION_H_

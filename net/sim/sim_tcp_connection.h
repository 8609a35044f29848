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

// The options of a stream, as SetOption() sets them.
struct SimTcpOptions {
  bool keep_alive = false;
  // Bytes that are written and not read must fit into both buffers together.
  size_t send_buffer = 0;
  size_t receive_buffer = 0;

  void Set(SocketApi::Option option, int value);
};

// A simulated TCP connection (testonly): its two ends, and the bytes under way
// between them. End 0 has connected, end 1 was accepted. A socket that is
// connected to itself has only end 0. SimTcpStack does the handshake and tells
// this class when an end is open; this class does everything after that.
//
// The sockets of the ends and packets under way keep the connection alive. Its
// hosts outlive it. Thread-compatible.
class SimTcpConnection final
    : public std::enable_shared_from_this<SimTcpConnection> {
 public:
  // Makes end 0, and takes the pair of addresses. If `bound` is true, the user
  // has chosen the port, which stays in use until the socket is closed.
  SimTcpConnection(SimSocketHost* host, int fd, const SocketAddress& source,
                   const SocketAddress& peer, bool bound,
                   const SimTcpOptions& options);
  SimTcpConnection(const SimTcpConnection&) = delete;
  SimTcpConnection& operator=(const SimTcpConnection&) = delete;

  // -- The handshake --

  // Adds end 1, which is open.
  void MakeOtherEnd(SimSocketHost* host, const SimTcpOptions& options);
  bool has_other_end() const { return ends_[1].host != nullptr; }
  // Makes end 0 its own peer.
  void JoinToItself();
  bool is_connecting() const { return IsThere(ends_[0]) && !ends_[0].open; }
  // Handles the answer of end 1: opens end 0. If end 0 has gone meanwhile,
  // resets end 1.
  void OnSynAck();

  // -- Ends --

  // Returns the socket of the end. REQUIRES: called once for each end.
  std::unique_ptr<SimSocket> NewSocket(int end);
  // Sets the descriptor of an end that is accepted.
  void SetDescriptor(int end, int fd);
  const SocketAddress& address(int end) const { return ends_[end].address; }
  // Returns the time at which a packet that `end` sends now arrives, if it is
  // `delay` under way: not before the packets that were sent earlier.
  MonotonicTime NextArrival(int end, absl::Duration delay);
  // Ends `end`, and sends a reset to the other end. Returns false if the reset
  // does not arrive: it is not sent again.
  bool Reset(int end);
  // Ends `end` with that errno.
  void Fail(int end, int error);

 private:
  class EndSocket;

  struct Side {
    SimSocketHost* host = nullptr;
    uint64_t epoch = 0;  // the host's epoch
    SocketAddress address;
    std::optional<SimPorts::Pair> pair;  // in use, or in TIME_WAIT
    SimTcpOptions options;
    MonotonicTime heard;  // time of the last packet from the other end
    int fd = -1;          // -1: not accepted yet, or closed
    int error = 0;        // pending errno
    bool bound = false;
    bool open = false;          // the handshake is done here
    bool gone = false;          // reset, failed, or done in both directions
    bool disconnected = false;  // gone, and was never connected
    bool closed = false;        // by Close(): no reader any more
    bool waits = false;         // sends the last ACK: TIME_WAIT follows
    bool orphaned = false;      // closed and all is sent: kept for a while
    bool probing = false;       // keep-alive has begun
  };

  // The bytes from one end to the other. Positions count bytes.
  struct Flow {
    SimByteQueue bytes;    // from `read` to `sent`
    uint64_t sent = 0;     // taken from the writer
    uint64_t arrived = 0;  // at the reader's host
    uint64_t read = 0;     // by the reader
    uint64_t freed = 0;    // read, and acknowledged to the writer's host
    bool fin_sent = false;
    bool fin_arrived = false;
    MonotonicTime last_arrival;
    // While a packet is sent again: the position and the FIN that arrive with
    // it.
    bool retrying = false;
    uint64_t arrives = 0;
    bool fin_arrives = false;
  };

  int Other(int end) const { return joined_ ? end : 1 - end; }
  SimWire& wire() const { return ends_[0].host->wire(); }
  // Returns true if the end belongs to the current epoch of its host, and the
  // host is up.
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
  // Sends the bytes that were just written at `from`, or FIN.
  void Send(int from, size_t size, bool fin);
  // The packet was lost: sends all bytes up to `position` again.
  void Retry(int from, uint64_t position, bool fin, absl::Duration delay,
             MonotonicTime give_up);
  void SendAgain(int from, absl::Duration delay, MonotonicTime give_up);
  void Arrive(int from, uint64_t position, bool fin);
  // Tells the writer at `to` how many bytes were read.
  void TellFreed(int to, absl::Duration retry);
  void OnReset(int end);
  void FinishIfDone();

  // -- Ports --

  // Frees the pair of an end that has gone, except for TIME_WAIT.
  void Leave(int end);
  void WaitForLast(int end);
  // Limits how long a closed end waits for the other end's FIN.
  void OrphanIfSent(int end);
  bool WasForgotten(const Side& end) const;

  // -- Keep-alive --

  // Starts probing if keep_alive is set and the end is open.
  void StartProbing(int end);
  void ProbeAfter(int end, absl::Duration delay, int unanswered);
  void Probe(int end, int unanswered);

  Side ends_[2];
  Flow flows_[2];  // indexed by the sending end
  bool joined_ = false;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TCP_CONNECTION_H_

#ifndef SLUICE_TESTS_SIM_SIM_ECHO_WORLD_H_
#define SLUICE_TESTS_SIM_SIM_ECHO_WORLD_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/support/watched_handler.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Returns worlds in which a correct program fails in nothing: calls move fewer
// bytes than they could or return EAGAIN or EINTR, and pollers report
// descriptors that are not ready. With `loss`, some packets are lost and sent
// again.
SimTestWorlds HarmlessWorlds(int seeds, bool loss);
// Returns worlds as HarmlessWorlds() with `loss`, in which also connections are
// reset, and calls that open a descriptor fail.
SimTestWorlds FailingWorlds(int seeds);

// A world with an echo server on one simulated host, its load client on
// another, and a link between them (testonly). The clocks of the hosts can
// differ from the world's clock. The network's seed determines the shape. The
// programs end with this object. Thread-compatible.
class SimEchoWorld {
 public:
  // The random properties of the world. A test may change them before it starts
  // the programs.
  struct Shape {
    SimEchoServer::Options server;
    LoadGenerator::Options load;
    SimNetwork::Link link;
    bool loss = false;
  };

  explicit SimEchoWorld(SimNetwork* network);
  SimEchoWorld(const SimEchoWorld&) = delete;
  SimEchoWorld& operator=(const SimEchoWorld&) = delete;
  // Crashes the hosts that are still up, so that a test that failed half-way
  // leaves nothing.
  ~SimEchoWorld();

  SimNetwork& network() { return network_; }
  // Returns a random generator for other choices of a test.
  SimRandom& random() { return random_; }
  Shape& shape() { return shape_; }
  SimHost& server_host() const { return server_host_; }
  SimHost& client_host() const { return client_host_; }
  const HandlerCounts& counts() const { return counts_; }

  // Starts the server, with EchoHandlers or with the handlers that
  // `new_handler` makes. REQUIRES: called once.
  void StartServer();
  void StartServer(SimEchoServer::NewHandler new_handler);
  // Starts the load client, or the SimClient that `new_client` makes. REQUIRES:
  // called once.
  void StartClient();
  void StartClient(SimHost::NewProgram new_client);
  // REQUIRES for these calls: the program was started, and its host is up.
  SimEchoServer& server();
  SimLoadClient& client();  // REQUIRES: the client is the load client
  size_t client_timers() const;
  // Returns whether the client is done; false while the client's host is down.
  // REQUIRES: the client was started.
  bool client_done() const;

  // Returns a random time from now to `most` from now. Early times are more
  // likely.
  MonotonicTime Sometime(absl::Duration most);
  // Changes the clocks of the hosts at most three times, at random times until
  // `within` from now: steps a wall clock by at most 24 hours, or sets a drift
  // of at most a fifth.
  void DisturbClocks(absl::Duration within);

  // Returns an upper bound of the time, on the world's clock, until `bytes`
  // bytes have come back if nothing fails. `window` is the number of bytes that
  // are under way at once. The time is the sum of the round trips and, if
  // packets are lost, of the delays until they are sent again.
  absl::Duration TimeFor(uint64_t bytes, uint64_t window) const;
  // Returns TimeFor() of the load client's whole load.
  absl::Duration MostTime() const;

  // Expects that every connection of the load client was answered, and that
  // each byte was right.
  void ExpectAllServed();
  // Expects that no answer to the load client had a wrong byte.
  void ExpectNoWrongByte();
  // Expects that the echo server's handlers kept their bound on output.
  void ExpectOutputBounded();
  // Stops the server, and runs the world for two idle timeouts, or for 1 ms if
  // the idle timeout is infinite. Expects that each handler was closed and
  // destroyed, and that no timer and no descriptor is left. REQUIRES: both
  // hosts are up, and the client is done.
  void StopAndExpectNothingLeft();

 private:
  SimNetwork& network_;
  SimRandom random_;
  SimHost& server_host_;
  SimHost& client_host_;
  HandlerCounts counts_;
  SimEchoServer::NewHandler new_handler_;
  Shape shape_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SIM_SIM_ECHO_WORLD_H_

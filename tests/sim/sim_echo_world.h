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

// Returns worlds in which nothing fails: calls do less than they could, and
// packets are late. With `loss`, some packets are lost and sent again.
SimTestWorlds HarmlessWorlds(int seeds, bool loss);
// Returns worlds in which connections fail, too, and calls that make a
// descriptor.
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

  // Starts the echo server. With `new_handler`, the server has other handlers.
  void StartServer();
  void StartServer(SimEchoServer::NewHandler new_handler);
  // Starts the load client. With `new_client`, starts that program instead.
  void StartClient();
  void StartClient(SimHost::NewProgram new_client);
  // REQUIRES: the program is started, and its host is up.
  SimEchoServer& server();
  SimLoadClient& client();  // REQUIRES: the client is the load client
  // Returns false while the client's host is down.
  bool client_done() const;
  size_t client_timers() const;

  // Returns a random time between now and `most` from now.
  MonotonicTime Sometime(absl::Duration most);
  // Steps the wall clocks and sets their drifts at random times within
  // `within`. A drift is at most a fifth.
  void DisturbClocks(absl::Duration within);

  // Returns the most time, on the world's clock, until `bytes` bytes have come
  // back if nothing fails. `window` is the number of bytes that are under way
  // at once. The time consists of round trips and, if packets are lost, of the
  // time to send them again.
  absl::Duration TimeFor(uint64_t bytes, uint64_t window) const;
  // Returns the most time for the whole load.
  absl::Duration MostTime() const;

  // Expects that every connection was answered, and that each byte was right.
  void ExpectAllServed();
  // Expects that no answer had a wrong byte.
  void ExpectNoWrongByte();
  // Expects that the echo server's handlers kept their bound on output.
  void ExpectOutputBounded();
  // Stops the server. Expects that the server and the client have nothing left,
  // and that each handler was closed. REQUIRES: the client is done.
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

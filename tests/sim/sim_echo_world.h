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

// Worlds in which nothing fails: calls do less than they could, packets are
// late. With `loss`, some come when they are sent again.
SimTestWorlds HarmlessWorlds(int seeds, bool loss);
// Worlds in which connections fail, too, and what makes a descriptor.
SimTestWorlds FailingWorlds(int seeds);

// A simulated host with an echo server, another with its load client, a link
// between them, and clocks that are not the world's: of shapes that the
// network's seed draws (testonly). Programs end with it. Thread-compatible.
class SimEchoWorld {
 public:
  // What is drawn. A test may change it before it starts the programs.
  struct Shape {
    SimEchoServer::Options server;
    LoadGenerator::Options load;
    SimNetwork::Link link;
    bool loss = false;
  };

  explicit SimEchoWorld(SimNetwork* network);
  SimEchoWorld(const SimEchoWorld&) = delete;
  SimEchoWorld& operator=(const SimEchoWorld&) = delete;
  // What is left loses its power: a test that failed half-way leaves nothing.
  ~SimEchoWorld();

  SimNetwork& network() { return network_; }
  // For what else a test draws.
  SimRandom& random() { return random_; }
  Shape& shape() { return shape_; }
  SimHost& server_host() const { return server_host_; }
  SimHost& client_host() const { return client_host_; }
  const HandlerCounts& counts() const { return counts_; }

  // The echo server; or with other handlers.
  void StartServer();
  void StartServer(SimEchoServer::NewHandler new_handler);
  // The load client; or another one, which NewProgram makes.
  void StartClient();
  void StartClient(SimHost::NewProgram new_client);
  // REQUIRES: started, and the host is up.
  SimEchoServer& server();
  SimLoadClient& client();  // REQUIRES: it is that
  bool client_done() const;
  size_t client_timers() const;

  // A time within the first `most` from now, that is drawn.
  MonotonicTime Sometime(absl::Duration most);
  // Sets wall clocks and drifts at some times within that; up to a fifth.
  void DisturbClocks(absl::Duration within);

  // How long it takes at most, by the world's clock, until so many bytes have
  // come back of which so many are on their way at once, where nothing fails:
  // round trips, and where packets are lost what it takes to send them again.
  absl::Duration TimeFor(uint64_t bytes, uint64_t window) const;
  // The same for all of the load.
  absl::Duration MostTime() const;

  // That everybody was answered, and that each byte was the right one.
  void ExpectAllServed();
  // That no answer had a wrong byte.
  void ExpectNoWrongByte();
  // That the echo server's handlers have kept to their bound on output.
  void ExpectOutputBounded();
  // Ends the server, and expects of it and of the client, which is done, that
  // nothing is left; of handlers, that each was told its end.
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

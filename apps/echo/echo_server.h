#ifndef SLUICE_APPS_ECHO_ECHO_SERVER_H_
#define SLUICE_APPS_ECHO_ECHO_SERVER_H_

namespace sluice {

// The program //apps/echo:server: serves until SIGTERM or SIGINT, then drains.
// Returns the exit code: 0; 1 if it could not serve; 2 for a usage error.
int EchoServerMain(int argc, char* argv[]);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_SERVER_H_

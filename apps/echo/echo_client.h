#ifndef SLUICE_APPS_ECHO_ECHO_CLIENT_H_
#define SLUICE_APPS_ECHO_ECHO_CLIENT_H_

namespace sluice {

// The program //apps/echo:client. Loads an echo server, checks the bytes that
// come back, and prints the results on stdout. SIGTERM or SIGINT ends it early,
// with the results so far. Returns the exit code: 0; 1 if a connection failed
// or a byte was wrong; 2 for a usage error.
int EchoClientMain(int argc, char* argv[]);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_CLIENT_H_

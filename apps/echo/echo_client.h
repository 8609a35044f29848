#ifndef SLUICE_APPS_ECHO_ECHO_CLIENT_H_
#define SLUICE_APPS_ECHO_ECHO_CLIENT_H_

namespace sluice {

// The program //apps/echo:client: loads an echo server, checks what comes back
// and prints what it found out on stdout. SIGTERM or SIGINT ends it early.
// Returns the exit code: 0; 1 if a connection failed or a byte was wrong; 2 for
// a usage error.
int EchoClientMain(int argc, char* argv[]);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_CLIENT_H_

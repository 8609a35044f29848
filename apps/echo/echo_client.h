#ifndef SLUICE_APPS_ECHO_ECHO_CLIENT_H_
#define SLUICE_APPS_ECHO_ECHO_CLIENT_H_

namespace sluice {

// The program //apps/echo:client. Loads an echo server, checks the bytes that
// come back, and prints the results on stdout; with --json, prints errors of
// connections on stderr. SIGTERM or SIGINT ends the load early, with the
// results so far; a second signal ends the process at once. Returns the exit
// code: 0; 1 if a connection failed, a byte was wrong, a message was not
// answered, or the load could not run or its results could not be written; 2
// for a usage error.
int EchoClientMain(int argc, char* argv[]);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_CLIENT_H_

#include "sluice/apps/echo/echo_server.h"

int main(int argc, char* argv[]) { return sluice::EchoServerMain(argc, argv); }

#include "sluice/apps/echo/echo_client.h"

int main(int argc, char* argv[]) { return sluice::EchoClientMain(argc, argv); }

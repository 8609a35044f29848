#include "sluice/apps/echo/echo_server.h"
#include "sluice/base/standard_descriptors.h"

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput("sluice echo server",
                                      sluice::EchoServerMain(argc, argv));
}

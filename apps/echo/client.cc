#include "sluice/apps/echo/echo_client.h"
#include "sluice/base/standard_descriptors.h"

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput("sluice echo client",
                                      sluice::EchoClientMain(argc, argv));
}

#ifndef SLUICE_TESTS_SUPPORT_ECHO_SERVER_SHAPE_H_
#define SLUICE_TESTS_SUPPORT_ECHO_SERVER_SHAPE_H_

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/process.h"

namespace sluice {

// A thread model with a number of threads, and a poller (testonly). The echo
// server keeps its promises in each shape.
struct EchoServerShape {
  static std::string Name(
      const ::testing::TestParamInfo<EchoServerShape>& info) {
    return info.param.model + "_" + info.param.poller;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const EchoServerShape& shape) {
    return os << shape.model << " with " << shape.poller;
  }

  std::string model;   // value of --model
  int threads;         // value of --threads
  std::string poller;  // value of --poller
};

// Returns all shapes: one thread and two threads, under each poller.
std::vector<EchoServerShape> EchoServerShapes();

// A test fixture that runs its tests in every shape:
//
//   using MyTest = EchoServerShapeTest;
//   INSTANTIATE_TEST_SUITE_P(Shapes, MyTest,
//                            ::testing::ValuesIn(EchoServerShapes()),
//                            EchoServerShape::Name);
class EchoServerShapeTest : public ::testing::TestWithParam<EchoServerShape> {
 protected:
  // Starts a server of the shape under test. Returns the errors of
  // EchoServerProcess::Start().
  static absl::StatusOr<std::unique_ptr<EchoServerProcess>> Start(
      Process::Options options = {});
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_ECHO_SERVER_SHAPE_H_

#include "sluice/tests/structure/target_graph.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/structure/build_file.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

BuildTarget Target(const std::string& label,
                   const std::vector<std::string>& deps) {
  BuildTarget target;
  target.label = label;
  target.deps = deps;
  return target;
}

TEST(TargetGraphTest, FollowsDependenciesOfDependencies) {
  const TargetGraph graph(
      {Target("//net:a", {"//net:b", "//base:c"}),
       Target("//net:b", {"//event:d"}), Target("//event:d", {"//timer:e"}),
       Target("//timer:e", {"@com_google_absl//absl/time"}),
       Target("//base:c", {}), Target("//log:f", {"@glog//:glog"})});
  const auto closure = graph.Closure("//net:a");
  SLUICE_ASSERT_OK(closure);
  EXPECT_THAT(*closure, UnorderedElementsAre("base", "event", "timer",
                                             "@com_google_absl"));
  const auto alone = graph.Closure("//base:c");
  SLUICE_ASSERT_OK(alone);
  EXPECT_THAT(*alone, UnorderedElementsAre());
}

TEST(TargetGraphTest, EndsOnACycleThatBazelWouldRefuse) {
  const TargetGraph graph(
      {Target("//a:a", {"//b:b"}), Target("//b:b", {"//a:a"})});
  const auto closure = graph.Closure("//a:a");
  SLUICE_ASSERT_OK(closure);
  EXPECT_THAT(*closure, UnorderedElementsAre("b"));
}

TEST(TargetGraphTest, NamesAnUndeclaredTarget) {
  const TargetGraph graph({Target("//net:a", {"//base:gone"})});
  EXPECT_THAT(graph.Closure("//net:a"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("//net:a depends on //base:gone")));
}

}  // namespace
}  // namespace sluice

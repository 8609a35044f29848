#include "sluice/apps/common/load/load_results.h"

#include <set>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// 1000 messages of 1 to 1000 us, in two seconds.
LoadResults SomeResults() {
  LoadResults results;
  results.connections = 3;
  results.message_size = 100;
  results.elapsed = absl::Seconds(2);
  for (int i = 1; i <= 1000; ++i) results.latency.Record(i * 1000);
  return results;
}

TEST(LoadResults, JsonIsOneLineWithAllResults) {
  LoadResults results = SomeResults();
  results.unanswered = 4;
  results.Count(LoadError::kReset, "x");
  results.Count(LoadError::kConnectRefused, "y");
  results.Count(LoadError::kReset, "z");
  EXPECT_EQ(ToJson(results),
            "{\"messages_per_s\": 500.0, \"mb_per_s\": 0.050, "
            "\"p50_us\": 500.736, \"p90_us\": 899.072, \"p99_us\": 989.184, "
            "\"p999_us\": 997.376, \"max_us\": 1000.000, "
            "\"errors\": {\"connect_refused\": 1, \"reset\": 2}, "
            "\"messages\": 1000, \"bytes\": 100000, \"unanswered\": 4, "
            "\"seconds\": 2.000000, \"connections\": 3}\n");
}

TEST(LoadResults, TextHasALineForEachMeasurement) {
  EXPECT_EQ(ToText(SomeResults()),
            "connections  3\n"
            "messages     1000 of 100 bytes in 2.000 s\n"
            "rate         500.0 messages/s, 0.05 MB/s\n"
            "latency, us  p50 500.7, p90 899.1, p99 989.2, p99.9 997.4, max "
            "1000.0\n");
  EXPECT_EQ(ErrorsToText(SomeResults()), "");
}

TEST(LoadResults, WithoutMeasurementsRatesAreZero) {
  LoadResults results;
  results.elapsed = absl::ZeroDuration();
  EXPECT_THAT(ToJson(results), HasSubstr("\"messages_per_s\": 0.0,"));
  EXPECT_THAT(ToJson(results), HasSubstr("\"errors\": {},"));
}

TEST(LoadResults, KeepsTheReasonOfTheFirstErrorOfEachKind) {
  LoadResults results;
  EXPECT_TRUE(results.ok());
  results.Count(LoadError::kReset, "connection 3: gone");
  results.Count(LoadError::kReset, "connection 4: gone");
  EXPECT_FALSE(results.ok());
  EXPECT_EQ(ErrorsToText(results), "reset: 2, the first: connection 3: gone\n");
}

TEST(LoadResults, MessagesWithoutAnswerAreAnError) {
  LoadResults results;
  results.unanswered = 5;
  EXPECT_FALSE(results.ok());
  EXPECT_EQ(ErrorsToText(results), "messages without answer: 5\n");
}

TEST(LoadResults, EachErrorHasItsOwnName) {
  std::set<std::string> names;
  for (size_t i = 0; i < kLoadErrors; ++i) {
    names.insert(std::string(LoadErrorName(static_cast<LoadError>(i))));
  }
  EXPECT_EQ(names.size(), kLoadErrors);
}

}  // namespace
}  // namespace sluice

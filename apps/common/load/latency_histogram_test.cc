#include "sluice/apps/common/load/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

TEST(LatencyHistogram, IsZeroWithoutRecords) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  EXPECT_EQ(histogram.Quantile(1), 0);
}

TEST(LatencyHistogram, AllQuantilesOfOneRecordAreThatRecord) {
  LatencyHistogram histogram;
  histogram.Record(123'456'789);
  for (const double fraction : {0.0, 0.5, 0.99, 1.0}) {
    EXPECT_EQ(histogram.Quantile(fraction), 123'456'789) << fraction;
  }
}

TEST(LatencyHistogram, SmallLatenciesAreExact) {
  LatencyHistogram histogram;
  for (int64_t i = 1; i <= 100; ++i) histogram.Record(i);
  EXPECT_EQ(histogram.Quantile(0), 1);
  EXPECT_EQ(histogram.Quantile(0.5), 50);
  EXPECT_EQ(histogram.Quantile(0.9), 90);
  EXPECT_EQ(histogram.Quantile(0.99), 99);
  EXPECT_EQ(histogram.Quantile(1), 100);
}

TEST(LatencyHistogram, TakesAnyLatency) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  histogram.Record(0);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_EQ(histogram.Quantile(0.6), 0);
  EXPECT_EQ(histogram.max(), INT64_MAX);
}

TEST(LatencyHistogram, EachLatencyIsWrongByLessThanAPercent) {
  for (int shift = 0; shift <= 55; ++shift) {
    for (int64_t part = 64; part < 128; ++part) {
      for (const int64_t nanos : {(part << shift) - 1, part << shift}) {
        LatencyHistogram histogram;
        histogram.Record(nanos);
        histogram.Record(INT64_MAX);
        const auto kept = static_cast<double>(histogram.Quantile(0.5));
        ASSERT_NEAR(kept, static_cast<double>(nanos),
                    static_cast<double>(nanos) * 0.004);
      }
    }
  }
}

TEST(LatencyHistogram, QuantilesAgreeWithTheSortedRecords) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(::testing::Message() << "SLUICE_SEED=" << seed);
  std::mt19937_64 random(seed);
  // Latencies of all magnitudes from 1 ns to 100 s.
  std::uniform_real_distribution<double> magnitude(0, 11);
  LatencyHistogram histogram;
  std::vector<int64_t> records(50'000);
  for (int64_t& nanos : records) {
    nanos = static_cast<int64_t>(std::pow(10.0, magnitude(random)));
    histogram.Record(nanos);
  }
  std::sort(records.begin(), records.end());
  EXPECT_EQ(histogram.max(), records.back());
  for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<size_t>(
        std::ceil(fraction * static_cast<double>(records.size())));
    const auto exact = static_cast<double>(records[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.Quantile(fraction)), exact,
                exact * 0.004)
        << fraction;
  }
}

}  // namespace
}  // namespace sluice

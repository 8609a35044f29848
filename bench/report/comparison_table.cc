#include "sluice/bench/report/comparison_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/bench/report/significant.h"
#include "sluice/bench/report/spread.h"

namespace sluice {
namespace {

std::string Format(const Spread& spread) {
  return absl::StrCat(Significant(spread.median), " (", Significant(spread.min),
                      " to ", Significant(spread.max), ")");
}

// Returns the ratio of the two, or "1" if a contender is divided by itself.
std::string Ratio(const ComparedValues& dividend,
                  const ComparedValues& divisor) {
  if (&dividend == &divisor) return "1";
  if (!dividend.failure.empty() || !divisor.failure.empty()) return "-";
  if (std::count(divisor.values.begin(), divisor.values.end(), 0) > 0) {
    return "-";
  }
  return Format(PairedRatios(dividend.values, divisor.values));
}

}  // namespace

std::string ComparisonTable(absl::string_view metric,
                            const std::vector<ComparedValues>& contenders) {
  SLUICE_CHECK(contenders.size() >= 2);
  const ComparedValues& limit = contenders[0];
  const ComparedValues& sluice = contenders[1];
  std::string table =
      absl::StrCat("| | ", metric, " | of the limit's | Sluice's of it |\n",
                   "|---|--:|--:|--:|\n");
  for (const ComparedValues& contender : contenders) {
    const std::string value = contender.failure.empty()
                                  ? Format(SpreadOf(contender.values))
                                  : contender.failure;
    absl::StrAppend(&table, "| ", contender.name, " | ", value, " | ",
                    Ratio(contender, limit), " | ", Ratio(sluice, contender),
                    " |\n");
  }
  return table;
}

}  // namespace sluice

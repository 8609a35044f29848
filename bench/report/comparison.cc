#include "sluice/bench/report/comparison.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/base/check.h"
#include "sluice/base/progress_line.h"
#include "sluice/bench/report/bar_chart.h"
#include "sluice/bench/report/comparison_table.h"
#include "sluice/bench/report/conditions.h"
#include "sluice/bench/report/isolated.h"
#include "sluice/bench/report/spread.h"
#include "sluice/bench/report/user_file.h"

namespace sluice {
namespace {

struct Options {
  int64_t rounds = 9;
  std::string case_text;
  std::string svg;
  absl::Duration time_limit = absl::Minutes(2);
};

CommandLine MakeCommandLine(const std::string& target, Options* options) {
  CommandLine line(target, "compares a component of Sluice with its peers");
  line.AddInt("rounds", "how often each contender is measured", 1,
              &options->rounds);
  line.AddString("case", "TEXT", "only cases whose names have that text",
                 &options->case_text);
  line.AddString("svg", "PATH", "where to put a picture of it", &options->svg);
  line.AddDuration("time_limit", "how long one measurement may take",
                   &options->time_limit);
  return line;
}

// A contender with its results.
struct Measured {
  const Contender* contender;
  std::string name;
  std::vector<std::vector<double>> rounds;  // all metrics of each round
  std::string failure;
};

// Measures the contender once more, unless it has failed before.
void MeasureRound(const ComparedCase& compared, absl::Duration time_limit,
                  Measured* measured) {
  if (!measured->failure.empty()) return;
  const absl::StatusOr<std::vector<double>> values =
      MeasureIsolated(measured->contender->measure, time_limit);
  if (values.ok()) {
    SLUICE_CHECK(values->size() == compared.metrics.size());
    measured->rounds.push_back(*values);
  } else if (absl::IsDeadlineExceeded(values.status())) {
    measured->failure =
        absl::StrCat("not done in ", absl::FormatDuration(time_limit));
  } else {
    measured->failure = std::string(values.status().message());
  }
}

std::vector<Measured> MeasureCase(const ComparedCase& compared,
                                  absl::string_view headline,
                                  const Options& options,
                                  ProgressLine* progress) {
  SLUICE_CHECK(compared.contenders.size() >= 2);
  std::vector<Measured> all;
  for (const Contender& contender : compared.contenders) {
    all.push_back({&contender, contender.name, {}, ""});
  }
  const Contender& limit = compared.contenders.front();
  all.push_back({&limit, absl::StrCat(limit.name, " again"), {}, ""});
  if (!progress->terminal()) absl::FPrintF(stderr, "%s\n", headline);
  for (int64_t round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < all.size(); ++i) {
      Measured& next = all[round % 2 == 0 ? i : all.size() - 1 - i];
      progress->Show(absl::StrCat(headline, ": round ", round + 1, " of ",
                                  options.rounds, ", ", next.name));
      MeasureRound(compared, options.time_limit, &next);
    }
  }
  progress->Clear();
  return all;
}

// Returns the values of all contenders in one metric.
std::vector<ComparedValues> ValuesOf(size_t metric,
                                     const std::vector<Measured>& all) {
  std::vector<ComparedValues> rows;
  for (const Measured& measured : all) {
    ComparedValues row = {measured.name, {}, measured.failure};
    for (const std::vector<double>& round : measured.rounds) {
      row.values.push_back(round[metric]);
    }
    rows.push_back(row);
  }
  return rows;
}

std::string Tables(const ComparedCase& compared,
                   const std::vector<Measured>& all) {
  std::string tables = absl::StrCat("\n**", compared.name, "**\n");
  for (size_t metric = 0; metric < compared.metrics.size(); ++metric) {
    absl::StrAppend(
        &tables, "\n",
        ComparisonTable(compared.metrics[metric], ValuesOf(metric, all)));
  }
  return tables;
}

// Appends a panel for each metric, without the contenders that failed and
// without the second row of the limit.
void AppendPanels(const ComparedCase& compared,
                  const std::vector<Measured>& all,
                  std::vector<BarPanel>* panels) {
  for (size_t metric = 0; metric < compared.metrics.size(); ++metric) {
    BarPanel panel = {compared.name, compared.metrics[metric], {}};
    const std::vector<ComparedValues> rows = ValuesOf(metric, all);
    for (size_t i = 0; i + 1 < rows.size(); ++i) {
      if (!rows[i].failure.empty()) continue;
      const bool ours = absl::StartsWith(rows[i].name, "Sluice");
      panel.bars.push_back({rows[i].name, SpreadOf(rows[i].values),
                            i == 0 ? BarKind::kLimit
                            : ours ? BarKind::kSluice
                                   : BarKind::kPeer});
    }
    if (!panel.bars.empty()) panels->push_back(panel);
  }
}

// Returns true if no contender failed. Reports each failure on standard error.
bool ReportFailures(const std::string& target, const ComparedCase& compared,
                    const std::vector<Measured>& all) {
  bool none = true;
  for (const Measured& measured : all) {
    if (measured.failure.empty()) continue;
    none = false;
    std::fprintf(stderr, "%s: %s, %s: %s\n", target.c_str(),
                 compared.name.c_str(), measured.name.c_str(),
                 measured.failure.c_str());
  }
  return none;
}

absl::StatusOr<std::vector<const ComparedCase*>> PickCases(
    const Comparison& comparison, const std::string& text) {
  std::vector<const ComparedCase*> picked;
  for (const ComparedCase& compared : comparison.cases) {
    if (absl::StrContains(compared.name, text)) picked.push_back(&compared);
  }
  if (!picked.empty()) return picked;
  return absl::InvalidArgumentError(absl::StrCat(
      "--case: \"", text, "\" is in none of: ",
      absl::StrJoin(comparison.cases, "; ",
                    [](std::string* out, const ComparedCase& compared) {
                      out->append(compared.name);
                    })));
}

std::string Head(const Comparison& comparison, const Options& options) {
  return absl::StrCat(
      MachineConditions(), comparison.packages.empty() ? "" : "; ",
      PackageVersions(comparison.packages), "; ", options.rounds, " rounds.\n");
}

}  // namespace

int RunComparison(int argc, char* argv[], const Comparison& comparison) {
  Options options;
  CommandLine line = MakeCommandLine(comparison.target, &options);
  const absl::StatusOr<CommandLine::Next> next = line.Parse(argc, argv);
  if (!next.ok()) return line.FailUsage(next.status());
  if (*next == CommandLine::Next::kExit) return 0;
  const absl::StatusOr<std::vector<const ComparedCase*>> cases =
      PickCases(comparison, options.case_text);
  if (!cases.ok()) return line.FailUsage(cases.status());

  WarnIfNotOptimized();
  std::printf("%s", Head(comparison, options).c_str());
  ProgressLine progress;
  bool all_well = true;
  std::vector<BarPanel> panels;
  for (size_t i = 0; i < cases->size(); ++i) {
    const ComparedCase& compared = *(*cases)[i];
    const std::vector<Measured> all =
        MeasureCase(compared,
                    absl::StrCat(comparison.title, ", case ", i + 1, " of ",
                                 cases->size(), ", ", compared.name),
                    options, &progress);
    all_well &= ReportFailures(comparison.target, compared, all);
    std::printf("%s", Tables(compared, all).c_str());
    std::fflush(stdout);
    AppendPanels(compared, all, &panels);
  }
  if (all_well && !options.svg.empty()) {
    const absl::Status written = WriteFile(options.svg, BarChartSvg(panels));
    if (!written.ok()) return line.Fail(written);
  }
  return all_well ? 0 : 1;
}

}  // namespace sluice

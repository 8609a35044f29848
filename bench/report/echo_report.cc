#include "sluice/bench/report/echo_report.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sluice/bench/report/spread.h"

namespace sluice {
namespace {

// Returns the number with that key in the object itself. The keys of the object
// are unique in the line.
absl::StatusOr<double> JsonNumber(absl::string_view json,
                                  absl::string_view key) {
  const std::string quoted = absl::StrCat("\"", key, "\":");
  const size_t found = json.find(quoted);
  if (found != absl::string_view::npos) {
    absl::string_view number = json.substr(found + quoted.size());
    number = number.substr(0, number.find_first_of(",}"));
    double value;
    if (absl::SimpleAtod(number, &value)) return value;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no number \"", key, "\" in: ", json));
}

std::vector<double> Values(const EchoContender& contender,
                           double EchoSample::*field) {
  std::vector<double> values;
  for (const EchoSample& sample : contender.samples) {
    values.push_back(sample.*field);
  }
  return values;
}

std::string Format(const Spread& ratio) {
  return absl::StrFormat("%.3f (%.3f to %.3f)", ratio.median, ratio.min,
                         ratio.max);
}

}  // namespace

absl::StatusOr<EchoSample> ParseEchoSample(absl::string_view json,
                                           absl::Duration server_cpu) {
  const absl::StatusOr<double> rate = JsonNumber(json, "messages_per_s");
  if (!rate.ok()) return rate.status();
  const absl::StatusOr<double> messages = JsonNumber(json, "messages");
  if (!messages.ok()) return messages.status();
  if (*rate <= 0 || *messages <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("no messages: ", json));
  }
  return EchoSample{
      .messages_per_s = *rate,
      .cpu_us_per_message = absl::ToDoubleMicroseconds(server_cpu) / *messages};
}

std::string EchoTableHead() {
  return "| case | server | messages/s | rate to the limit's | server CPU per "
         "message | CPU to the limit's |\n"
         "|---|---|--:|--:|--:|--:|\n";
}

std::string EchoTableRows(absl::string_view case_name,
                          const std::vector<EchoContender>& contenders) {
  std::string rows;
  for (const EchoContender& contender : contenders) {
    const bool is_reference = &contender == &contenders.front();
    const auto ratio = [&](double EchoSample::*field) {
      return is_reference
                 ? "1"
                 : Format(PairedRatios(Values(contender, field),
                                       Values(contenders.front(), field)));
    };
    absl::StrAppendFormat(
        &rows, "| %s | %s | %.0f | %s | %.2f us | %s |\n",
        is_reference ? case_name : "", contender.name,
        SpreadOf(Values(contender, &EchoSample::messages_per_s)).median,
        ratio(&EchoSample::messages_per_s),
        SpreadOf(Values(contender, &EchoSample::cpu_us_per_message)).median,
        ratio(&EchoSample::cpu_us_per_message));
  }
  return rows;
}

BarPanel EchoPanel(absl::string_view case_name,
                   const std::vector<EchoContender>& contenders) {
  BarPanel panel = {std::string(case_name), "server CPU per message, us", {}};
  for (size_t i = 0; i < contenders.size(); ++i) {
    panel.bars.push_back(
        {contenders[i].name,
         SpreadOf(Values(contenders[i], &EchoSample::cpu_us_per_message)),
         i == 1 ? BarKind::kSluice : BarKind::kLimit});
  }
  return panel;
}

}  // namespace sluice

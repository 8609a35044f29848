#include "sluice/apps/common/load/load_results.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr absl::string_view kErrorNames[] = {
    "connect_refused", "connect_timeout", "connect_failed",
    "reset",           "closed_early",    "io_error",
    "timeout",         "close_timeout",   "wrong_byte"};
static_assert(std::size(kErrorNames) == kLoadErrors);

double Micros(const LoadResults& results, double fraction) {
  return static_cast<double>(results.latency.Quantile(fraction)) * 1e-3;
}

}  // namespace

absl::string_view LoadErrorName(LoadError error) {
  const auto i = static_cast<size_t>(error);
  SLUICE_CHECK_LT(i, kLoadErrors);
  return kErrorNames[i];
}

void LoadResults::Count(LoadError error, absl::string_view what) {
  ErrorCount& count = errors[static_cast<size_t>(error)];
  if (count.connections++ == 0) count.first = std::string(what);
}

bool LoadResults::ok() const {
  return unanswered == 0 &&
         std::all_of(errors.begin(), errors.end(), [](const ErrorCount& count) {
           return count.connections == 0;
         });
}

double LoadResults::MessagesPerSecond() const {
  if (elapsed <= absl::ZeroDuration()) return 0;
  return static_cast<double>(messages()) / absl::ToDoubleSeconds(elapsed);
}

double LoadResults::MegabytesPerSecond() const {
  return MessagesPerSecond() * static_cast<double>(message_size) * 1e-6;
}

std::string ToJson(const LoadResults& results) {
  std::string errors;
  for (size_t i = 0; i < kLoadErrors; ++i) {
    const uint64_t count = results.errors[i].connections;
    if (count == 0) continue;
    absl::StrAppend(&errors, errors.empty() ? "" : ", ", "\"",
                    LoadErrorName(static_cast<LoadError>(i)), "\": ", count);
  }
  return absl::StrFormat(
      "{\"messages_per_s\": %.1f, \"mb_per_s\": %.3f, \"p50_us\": %.3f, "
      "\"p90_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f, "
      "\"max_us\": %.3f, \"errors\": {%s}, \"messages\": %d, \"bytes\": %d, "
      "\"unanswered\": %d, \"seconds\": %.6f, \"connections\": %d}\n",
      results.MessagesPerSecond(), results.MegabytesPerSecond(),
      Micros(results, 0.5), Micros(results, 0.9), Micros(results, 0.99),
      Micros(results, 0.999), Micros(results, 1), errors, results.messages(),
      results.bytes(), results.unanswered,
      absl::ToDoubleSeconds(results.elapsed), results.connections);
}

std::string ToText(const LoadResults& results) {
  std::string text = absl::StrFormat(
      "connections  %d\n"
      "messages     %d of %d bytes in %.3f s\n"
      "rate         %.1f messages/s, %.2f MB/s\n",
      results.connections, results.messages(), results.message_size,
      absl::ToDoubleSeconds(results.elapsed), results.MessagesPerSecond(),
      results.MegabytesPerSecond());
  if (results.messages() > 0) {
    absl::StrAppendFormat(
        &text,
        "latency, us  p50 %.1f, p90 %.1f, p99 %.1f, p99.9 %.1f, max %.1f\n",
        Micros(results, 0.5), Micros(results, 0.9), Micros(results, 0.99),
        Micros(results, 0.999), Micros(results, 1));
  }
  return text;
}

std::string ErrorsToText(const LoadResults& results) {
  std::string text;
  if (results.unanswered > 0) {
    absl::StrAppend(&text, "messages without answer: ", results.unanswered,
                    "\n");
  }
  for (size_t i = 0; i < kLoadErrors; ++i) {
    const LoadResults::ErrorCount& count = results.errors[i];
    if (count.connections == 0) continue;
    absl::StrAppend(&text, LoadErrorName(static_cast<LoadError>(i)), ": ",
                    count.connections, ", the first: ", count.first, "\n");
  }
  return text;
}

}  // namespace sluice

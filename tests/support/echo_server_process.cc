#include "sluice/tests/support/echo_server_process.h"

#include <cinttypes>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace sluice {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<EchoServerProcess>> EchoServerProcess::Start(
    Process::Options options) {
  // The default comes first, so that a later --listen replaces it.
  options.arguments.insert(options.arguments.begin(), "--listen=127.0.0.1:0");
  auto process = Process::Start("apps/echo/server", options);
  if (!process.ok()) return process.status();
  const absl::StatusOr<std::string> line = (*process)->ReadLine(kPatience);
  if (!line.ok()) return line.status();
  absl::string_view address = *line;
  if (!absl::ConsumePrefix(&address, "listening on ")) {
    return absl::DataLossError(absl::StrCat("its first line: \"", *line, "\""));
  }
  return absl::WrapUnique(
      new EchoServerProcess(*std::move(process), std::string(address)));
}

EchoServerProcess::EchoServerProcess(std::unique_ptr<Process> process,
                                     std::string address)
    : process_(std::move(process)), address_(std::move(address)) {}

absl::StatusOr<EchoServerProcess::Summary> EchoServerProcess::Drain(
    int signal) {
  const absl::Status sent = process_->Signal(signal);
  if (!sent.ok()) return sent;
  return WaitDrained();
}

absl::StatusOr<EchoServerProcess::Summary> EchoServerProcess::WaitDrained() {
  const absl::StatusOr<Process::Ended> ended = process_->Wait(kPatience);
  if (!ended.ok()) return ended.status();
  const std::vector<std::string> lines =
      absl::StrSplit(absl::StripSuffix(ended->error, "\n"), '\n');
  Summary summary;
  int size = 0;
  if (ended->exit_code != 0 ||
      std::sscanf(lines.back().c_str(),
                  "served %" SCNu64 " %*[a-z], %" SCNu64
                  " %*[a-z] in %lf s, %" SCNu64 " forced%n",
                  &summary.connections, &summary.bytes, &summary.seconds,
                  &summary.forced, &size) != 4 ||
      static_cast<size_t>(size) != lines.back().size()) {
    return absl::DataLossError(absl::StrCat("exit ", ended->exit_code,
                                            ", signal ", ended->signal, ": ",
                                            ended->error));
  }
  return summary;
}

}  // namespace sluice

#include "sluice/log/internal/log_output.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"
#include "sluice/base/counter.h"
#include "sluice/base/io_result.h"

namespace sluice {
namespace {

constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(10);

void ReportOnStderr(const absl::Status& status) {
  const absl::string_view what = status.message();
  std::fprintf(stderr, "log: %.*s\n", static_cast<int>(what.size()),
               what.data());
}

absl::Status Annotated(const absl::Status& status, absl::string_view text) {
  return WithMessage(status, absl::StrCat(status.message(), text));
}

}  // namespace

LogOutput::LogOutput(std::unique_ptr<LogWriter> writer, const Clock* clock,
                     absl::AnyInvocable<void(const absl::Status&)> on_error)
    : writer_(std::move(writer)),
      clock_(*clock),
      on_error_(std::move(on_error)) {
  SLUICE_CHECK(writer_ != nullptr);
  if (on_error_ == nullptr) on_error_ = ReportOnStderr;
}

absl::Status LogOutput::Write(bool now) {
  if (size() == 0) return absl::OkStatus();
  if (!status_.ok() && !now && clock_.Now() < next_attempt_) return status_;
  absl::string_view rest = text_.view().substr(written_);
  absl::Status status = writer_->Write(&rest);
  // A writer that returns OK and leaves lines would be called again forever.
  if (status.ok() && !rest.empty()) {
    status = absl::InternalError(
        "LogWriter::Write() returned OK, but did not write all lines");
  }
  const size_t written = text_.size() - rest.size();
  bytes_.AddLocal(written - written_);
  written_ = written;
  if (!status.ok()) {
    OnError(std::move(status));
    return status_;
  }
  text_.Clear();
  written_ = 0;
  status_ = absl::OkStatus();
  return status_;
}

absl::Status LogOutput::Flush() {
  SLUICE_DCHECK(size() == 0);
  absl::Status status = writer_->Flush();
  if (!status.ok()) errors_.AddLocal();
  return status;
}

void LogOutput::GiveUp(size_t more_lines) {
  const absl::string_view rest = text_.view().substr(written_);
  const auto lines = more_lines + static_cast<size_t>(std::count(
                                      rest.begin(), rest.end(), '\n'));
  if (lines == 0) return;
  on_error_(
      Annotated(status_, absl::StrCat("; ", lines, " lines are dropped")));
}

void LogOutput::OnError(absl::Status status) {
  errors_.AddLocal();
  if (status_.ok()) {
    delay_ = kFirstDelay;
    on_error_(Annotated(
        status, "; lines wait, and are written when the writer works again"));
  } else {
    delay_ = std::min(2 * delay_, kLongestDelay);
  }
  status_ = std::move(status);
  next_attempt_ = clock_.Now() + delay_;
}

}  // namespace sluice

#ifndef DOWNSTREAM_LOG_LOGGER_H_
#define DOWNSTREAM_LOG_LOGGER_H_

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/log/log_writer.h"

namespace downstream {

// Our own logger, in a folder and a file that Sluice has too.
class Logger {
 public:
  // `writer` outlives this.
  Logger(sluice::LogWriter* writer, std::string name)
      : writer_(writer), name_(std::move(name)) {}

  void Log(absl::string_view text) {
    const std::string line = absl::StrCat(name_, ": ", text, "\n");
    absl::string_view lines = line;
    if (!writer_->Write(&lines).ok()) ++lost_;
  }
  int lost() const { return lost_; }

 private:
  sluice::LogWriter* const writer_;
  const std::string name_;
  int lost_ = 0;
};

}  // namespace downstream

#endif  // DOWNSTREAM_LOG_LOGGER_H_

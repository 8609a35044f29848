#include "sluice/log/memory_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"

namespace sluice {

class MemoryLog::Writer final : public LogWriter {
 public:
  explicit Writer(MemoryLog* log) : log_(*log) {}

  absl::Status Write(absl::string_view* lines) override {
    MutexLock lock(&log_.mutex_);
    const size_t size = std::min(lines->size(), log_.room_);
    log_.text_.append(lines->data(), size);
    lines->remove_prefix(size);
    if (log_.room_ != SIZE_MAX) log_.room_ -= size;
    return lines->empty() ? absl::OkStatus() : log_.status_;
  }
  absl::Status Flush() override {
    MutexLock lock(&log_.mutex_);
    ++log_.flushes_;
    return log_.status_;
  }

 private:
  MemoryLog& log_;
};

std::unique_ptr<LogWriter> MemoryLog::NewWriter() {
  return std::make_unique<Writer>(this);
}

std::string MemoryLog::text() const {
  MutexLock lock(&mutex_);
  return text_;
}

std::vector<std::string> MemoryLog::lines() const {
  std::vector<std::string> lines = absl::StrSplit(text(), '\n');
  lines.pop_back();  // the text after the last newline
  return lines;
}

int MemoryLog::flushes() const {
  MutexLock lock(&mutex_);
  return flushes_;
}

void MemoryLog::FailAfter(size_t bytes, absl::Status status) {
  MutexLock lock(&mutex_);
  room_ = bytes;
  status_ = std::move(status);
}

void MemoryLog::Recover() { FailAfter(SIZE_MAX, absl::OkStatus()); }

}  // namespace sluice

#include "sluice/log/internal/log_levels.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

bool Fits(absl::string_view pattern, absl::string_view path) {
  if (absl::EndsWith(pattern, "/")) {
    return absl::StartsWith(path, pattern) ||
           absl::StrContains(path, absl::StrCat("/", pattern));
  }
  return path == pattern || absl::EndsWith(path, absl::StrCat("/", pattern));
}

uint64_t ToWord(LogSeverity level) { return static_cast<uint64_t>(level) + 1; }

}  // namespace

void LogLevels::Set(LogSeverity level) {
  MutexLock lock(&mutex_);
  level_ = level;
  Update();
}

absl::Status LogLevels::SetForFile(absl::string_view file, LogSeverity level) {
  if (file.empty()) {
    return absl::InvalidArgumentError("log level: the file name is empty");
  }
  MutexLock lock(&mutex_);
  const auto found =
      std::find_if(files_.begin(), files_.end(),
                   [&](const FileLevel& f) { return f.file == file; });
  if (found != files_.end()) {
    found->level = level;
  } else if (files_.size() < kMaxFiles) {
    files_.push_back({std::string(file), level});
  } else {
    return absl::ResourceExhaustedError(
        absl::StrCat("log level of ", file, ": ", kMaxFiles,
                     " files have a level already; set one for a folder"));
  }
  Update();
  return absl::OkStatus();
}

void LogLevels::ClearFiles() {
  MutexLock lock(&mutex_);
  files_.clear();
  Update();
}

bool LogLevels::EnabledInFile(LogSeverity severity, const char* file) const {
  std::atomic<uint64_t>* const word = levels_.Find(file);
  uint64_t level = word == nullptr ? 0 : word->load(std::memory_order_relaxed);
  if (level == 0) {
    MutexLock lock(&mutex_);
    level = ToWord(LevelOf(file));
    if (word != nullptr) word->store(level, std::memory_order_relaxed);
  }
  return ToWord(severity) >= level;
}

bool LogLevels::EnabledByName(LogSeverity severity,
                              absl::string_view file) const {
  const auto s = static_cast<uint8_t>(severity);
  if (s < lowest_.load(std::memory_order_relaxed)) return false;
  if (s >= highest_.load(std::memory_order_relaxed)) return true;
  MutexLock lock(&mutex_);
  return severity >= LevelOf(file);
}

LogSeverity LogLevels::LevelOf(absl::string_view file) const {
  const auto found =
      std::find_if(files_.rbegin(), files_.rend(),
                   [&](const FileLevel& f) { return Fits(f.file, file); });
  return found == files_.rend() ? level_ : found->level;
}

void LogLevels::Update() {
  auto lowest = static_cast<uint8_t>(level_);
  auto highest = lowest;
  for (const FileLevel& file : files_) {
    lowest = std::min(lowest, static_cast<uint8_t>(file.level));
    highest = std::max(highest, static_cast<uint8_t>(file.level));
  }
  levels_.ClearWords();
  lowest_.store(lowest, std::memory_order_relaxed);
  highest_.store(highest, std::memory_order_relaxed);
}

}  // namespace sluice

#include "sluice/log/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"
#include "sluice/log/internal/file_calls.h"

namespace sluice {
namespace {

constexpr int kMaxRetries = 100;
constexpr size_t kMaxRetired = 16;
constexpr absl::Duration kRetryInterval = absl::Seconds(10);

template <typename Call>
IoResult RetryInterrupted(Call call) {
  for (int retries = 0;; ++retries) {
    const IoResult result = call();
    if (result.error() != EINTR || retries == kMaxRetries) return result;
  }
}

// Ignores the errors of a file that has nothing to synchronize, such as a
// device.
absl::Status SyncStatus(IoResult result, absl::string_view call,
                        absl::string_view path) {
  if (result.error() == EINVAL || result.error() == EROFS) {
    return absl::OkStatus();
  }
  return ToStatus(result, call, path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileWriter>> FileWriter::Open(const Clock* clock,
                                                             std::string path,
                                                             Options options,
                                                             FileCalls* calls) {
  absl::Status valid =
      CheckOption("FileWriter: max_bytes", options.max_bytes, 1, INT64_MAX);
  valid.Update(CheckOption("FileWriter: keep", options.keep, 0, 1'000'000));
  if ((options.mode & ~mode_t{0777}) != 0) {
    valid.Update(absl::InvalidArgumentError(absl::StrFormat(
        "FileWriter: mode is 0%o, and must be 0 to 0777", options.mode)));
  }
  if (!valid.ok()) return valid;
  if (calls == nullptr) calls = KernelFileCalls();
  auto writer =
      absl::WrapUnique(new FileWriter(calls, clock, std::move(path), options));
  absl::StatusOr<File> file = writer->OpenFile();
  if (!file.ok()) return file.status();
  writer->file_ = *file;
  return writer;
}

FileWriter::FileWriter(FileCalls* calls, const Clock* clock, std::string path,
                       Options options)
    : calls_(calls),
      clock_(clock),
      path_(std::move(path)),
      options_(options),
      next_try_(clock->Now()) {}

FileWriter::~FileWriter() {
  for (const int fd : retired_) Close(fd);
  if (file_.fd >= 0) Close(file_.fd);
}

absl::Status FileWriter::Write(absl::string_view* lines) {
  absl::Status status = FindFile();
  while (status.ok() && !lines->empty()) {
    if (RotationIsDue(*lines)) Rotate();
    IoResult result(0);
    if (file_.truncated_line) {
      absl::string_view newline = "\n";
      result = Put(&newline);
      file_.truncated_line = !result.ok();
    } else {
      absl::string_view piece = lines->substr(0, PieceSize(*lines));
      const size_t size = piece.size();
      result = Put(&piece);
      lines->remove_prefix(size - piece.size());
    }
    // This file cannot grow, but a new one can.
    if (result.error() == EFBIG && file_.size > 0 && may_switch_ && Rotate()) {
      continue;
    }
    status = ToStatus(result, "write", path_);
  }
  if (!status.ok()) errors_.AddLocal();
  return status;
}

absl::Status FileWriter::Flush() {
  Note(FindFile());
  for (const int fd : std::exchange(retired_, {})) {
    Note(SyncFile(fd));
    Close(fd);
  }
  if (file_.fd >= 0) Note(SyncFile(file_.fd));
  if (names_changed_) {
    const absl::Status status = SyncFolder();
    names_changed_ = !status.ok();
    Note(status);
  }
  return std::exchange(noted_, absl::OkStatus());
}

FileWriter::Stats FileWriter::stats() const {
  return {.bytes = bytes_.value(),
          .rotations = rotations_.value(),
          .reopens = reopens_.value(),
          .errors = errors_.value()};
}

absl::Status FileWriter::FindFile() {
  const MonotonicTime now = clock_->Now();
  if (reopen_.load(std::memory_order_relaxed) &&
      reopen_.exchange(false, std::memory_order_relaxed)) {
    reopening_ = true;
    next_try_ = now;
  }
  may_switch_ = now >= next_try_;
  if (file_.fd >= 0) {
    struct stat found;
    const IoResult result = calls_->Stat(file_.fd, &found);
    if (result.error() == ESTALE || (result.ok() && found.st_nlink == 0)) {
      Close(std::exchange(file_.fd, -1));
    } else if (!result.ok()) {
      return ToStatus(result, "statx", path_);
    } else {
      file_.size = found.st_size;
    }
  }
  if (file_.fd < 0) {
    absl::StatusOr<File> file = OpenFile();
    if (!file.ok()) return file.status();
    file_ = *file;
    reopens_.AddLocal();
    reopening_ = false;
  } else if (reopening_ && may_switch_ && SwitchTo(OpenFile())) {
    reopens_.AddLocal();
    reopening_ = false;
  }
  return absl::OkStatus();
}

absl::StatusOr<FileWriter::File> FileWriter::OpenFile() {
  // O_RDWR, to read the last byte, and so that opening a FIFO does not block.
  constexpr int kFlags =
      O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  const IoResult fd = RetryInterrupted(
      [&] { return calls_->Open(path_, kFlags, options_.mode); });
  if (fd.error() == ELOOP) {
    return absl::FailedPreconditionError(
        absl::StrCat("open on ", path_, ": a symbolic link (errno ", ELOOP,
                     "); name the file itself, or use "
                     "DescriptorWriter"));
  }
  if (!fd.ok()) return ToStatus(fd, "open", path_);
  names_changed_ = true;
  absl::StatusOr<File> file = Inspect(static_cast<int>(fd.value()));
  if (!file.ok()) Close(static_cast<int>(fd.value()));
  return file;
}

absl::StatusOr<FileWriter::File> FileWriter::Inspect(int fd) {
  struct stat found;
  const IoResult result = calls_->Stat(fd, &found);
  if (!result.ok()) return ToStatus(result, "statx", path_);
  if (!S_ISREG(found.st_mode) && !S_ISCHR(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("open on ", path_,
                     ": neither a file nor a character device; for a pipe "
                     "use DescriptorWriter"));
  }
  File file = {.fd = fd,
               .device = found.st_dev,
               .inode = found.st_ino,
               .regular = S_ISREG(found.st_mode),
               .size = found.st_size};
  if (!file.regular || file.size == 0) return file;
  char last = '\n';
  const IoResult read = RetryInterrupted(
      [&] { return calls_->ReadByte(fd, file.size - 1, &last); });
  if (!read.ok()) return ToStatus(read, "pread", path_);
  file.truncated_line = last != '\n';
  return file;
}

size_t FileWriter::PieceSize(absl::string_view lines) const {
  if (!may_switch_) return lines.size();
  const size_t room = std::max<int64_t>(options_.max_bytes - file_.size, 0);
  if (lines.size() <= room) return lines.size();
  size_t end = room > 0 ? lines.rfind('\n', room - 1) : lines.npos;
  if (end == lines.npos) end = lines.find('\n', room);
  return end == lines.npos ? lines.size() : end + 1;
}

bool FileWriter::RotationIsDue(absl::string_view lines) const {
  if (!may_switch_ || file_.size == 0) return false;
  if (file_.truncated_line || file_.open_line) return false;
  const int64_t room = options_.max_bytes - file_.size;
  const size_t line = std::min(lines.find('\n'), lines.size() - 1) + 1;
  return static_cast<int64_t>(line) > room;
}

IoResult FileWriter::Put(absl::string_view* text) {
  int stuck = 0;  // calls in a row without a byte written
  while (!text->empty()) {
    const IoResult result = calls_->Write(file_.fd, *text);
    if (!result.ok() && result.error() != EINTR) return result;
    const size_t written = result.ok() ? result.value() : 0;
    if (written == 0) {
      if (++stuck > kMaxRetries) return IoResult::FromErrno(EIO);
      continue;
    }
    stuck = 0;
    // A device keeps size 0, and so is never rotated.
    if (file_.regular) file_.size += static_cast<int64_t>(written);
    file_.open_line = (*text)[written - 1] != '\n';
    text->remove_prefix(written);
    bytes_.AddLocal(written);
  }
  return IoResult(0);
}

bool FileWriter::Rotate() {
  const absl::Status shifted = ShiftNames();
  if (!SwitchTo(shifted.ok() ? OpenFile() : shifted)) return false;
  rotations_.AddLocal();
  RemoveBeyondKeep();
  return true;
}

bool FileWriter::SwitchTo(absl::StatusOr<File> next) {
  if (!next.ok()) {
    Note(WithMessage(
        next.status(),
        absl::StrCat(next.status().message(),
                     "; continuing in the current file, next try in ",
                     absl::FormatDuration(kRetryInterval))));
    next_try_ = clock_->Now() + kRetryInterval;
    may_switch_ = false;
    return false;
  }
  if (next->device == file_.device && next->inode == file_.inode) {
    Close(next->fd);
    return true;
  }
  Retire(std::exchange(file_, *next).fd);
  return true;
}

absl::Status FileWriter::ShiftNames() {
  int vacant = 0;
  for (; vacant <= options_.keep; ++vacant) {
    struct stat found;
    const IoResult result = calls_->LinkStat(Name(vacant), &found);
    if (result.error() == ENOENT) break;
    if (!result.ok()) return ToStatus(result, "lstat", Name(vacant));
  }
  names_changed_ = true;
  if (vacant > options_.keep) {
    vacant = options_.keep;
    const IoResult result = calls_->Unlink(Name(vacant));
    if (!result.ok() && result.error() != ENOENT) {
      return ToStatus(result, "unlink", Name(vacant));
    }
  }
  for (; vacant > 0; --vacant) {
    const std::string from = Name(vacant - 1);
    const IoResult result = calls_->Rename(from, Name(vacant));
    if (!result.ok() && result.error() != ENOENT) {
      return ToStatus(result, "rename", from);
    }
  }
  return absl::OkStatus();
}

// Files beyond `keep` exist if an earlier process kept more.
void FileWriter::RemoveBeyondKeep() {
  for (int number = options_.keep + 1;; ++number) {
    const IoResult result = calls_->Unlink(Name(number));
    if (result.error() == ENOENT) return;
    Note(ToStatus(result, "unlink", Name(number)));
    if (!result.ok()) return;
  }
}

std::string FileWriter::Name(int number) const {
  return number == 0 ? path_ : absl::StrCat(path_, ".", number);
}

void FileWriter::Retire(int fd) {
  retired_.push_back(fd);
  // A removed file takes disk space as long as it is open.
  std::erase_if(retired_, [this](int retired) {
    if (!IsRemoved(retired)) return false;
    Close(retired);
    return true;
  });
  if (retired_.size() <= kMaxRetired) return;
  Note(SyncFile(retired_.front()));
  Close(retired_.front());
  retired_.erase(retired_.begin());
}

absl::Status FileWriter::SyncFile(int fd) {
  if (IsRemoved(fd)) return absl::OkStatus();
  return SyncStatus(RetryInterrupted([&] { return calls_->DataSync(fd); }),
                    "fdatasync", path_);
}

absl::Status FileWriter::SyncFolder() {
  const size_t slash = path_.rfind('/');
  const std::string folder =
      slash == path_.npos ? "." : path_.substr(0, slash + 1);
  const IoResult fd = RetryInterrupted([&] {
    return calls_->Open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  });
  if (!fd.ok()) return ToStatus(fd, "open", folder);
  const IoResult synced = RetryInterrupted(
      [&] { return calls_->Sync(static_cast<int>(fd.value())); });
  Close(static_cast<int>(fd.value()));
  return SyncStatus(synced, "fsync", folder);
}

bool FileWriter::IsRemoved(int fd) {
  struct stat found;
  return calls_->Stat(fd, &found).ok() && found.st_nlink == 0;
}

// EINTR is not an error: the descriptor is closed, and the kernel has the data.
// Other errors may mean that data is lost, as on NFS.
void FileWriter::Close(int fd) {
  const IoResult result = calls_->Close(fd);
  if (result.error() != EINTR) Note(ToStatus(result, "close", path_));
}

void FileWriter::Note(const absl::Status& status) {
  if (status.ok()) return;
  errors_.AddLocal();
  noted_.Update(status);
}

}  // namespace sluice

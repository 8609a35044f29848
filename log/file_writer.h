#ifndef SLUICE_LOG_FILE_WRITER_H_
#define SLUICE_LOG_FILE_WRITER_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/base/counter.h"
#include "sluice/base/io_result.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {

class FileCalls;

// A LogWriter that appends to the file at a path, and rotates it.
//
// Rotation: when the file has reached max_bytes, `path` is renamed to path.1,
// path.1 to path.2, and so on. Files after path.keep are removed. The files
// take at most (keep + 1) * max_bytes on disk, plus the part of each file's
// last line beyond max_bytes: by default 1.2 GB. path.1, path.2 and all further
// numbers belong to this writer. Only one writer at a time may use `path`. For
// rotation by time, use logrotate and Reopen().
//
// Errors: lines that could not be written remain with the caller, so that no
// error drops any. If a file cannot be renamed, or the next file cannot be
// opened, the writer continues in its current file, if necessary beyond
// max_bytes, and tries again after at least 10 seconds; Flush() returns the
// error. If the process is killed during a rotation, a number is left free: the
// next rotation uses it, and removes no file. If the process is killed in the
// middle of a line, that line is truncated: the next writer ends it with a
// newline.
//
// Other programs: each Write() checks by statx(2), 0.4 us, that the file still
// has a name. If the file was deleted, the writer opens a new one; if its
// folder was deleted, as soon as the folder exists again. If the file was
// renamed, the writer continues to write to it until Reopen(), as logrotate
// expects. If the file was truncated, as by logrotate with "copytruncate", the
// writer continues at its new end.
//
// Does not format, buffer or compress, and waits for nothing except the disk.
// Thread-compatible, except Reopen() and stats(), which are thread-safe.
class FileWriter final : public LogWriter {
 public:
  struct Options {
    // Files end at the end of a line. A line longer than this gets a file of
    // its own.
    int64_t max_bytes = 128 << 20;  // at least 1
    // The number of rotated files, at most a million. A rotation renames all of
    // them. With 0, a rotated file is removed at once.
    int keep = 8;
    mode_t mode = 0640;  // mode of new files, 0 to 0777, before the umask
  };

  // Opens the file, or creates it in its folder, which must exist. Opens it for
  // reading, too, to find out whether it ends in the middle of a line. A
  // relative path is resolved in the current folder each time, which then must
  // not change. A device, such as /dev/null, is never rotated. Returns
  //   - kInvalidArgument for an option out of range, which the message names;
  //   - kFailedPrecondition if `path` is a symbolic link, or neither a regular
  //     file nor a character device;
  //   - the errors of open(2), such as EISDIR, of statx(2) and of pread(2).
  // `calls` is for tests, which let calls fail; nullptr means the calls of the
  // kernel. REQUIRES: `clock`, and `calls` if it is given, outlive the writer.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Open(
      const Clock* clock, std::string path, Options options,
      FileCalls* calls = nullptr);

  // Closes the files without synchronizing them.
  ~FileWriter() override;

  // Returns the error of statx(2) or write(2); or, if the file was deleted, the
  // error of opening a new one, as Open() does. Continues after short counts
  // and EINTR; returns EIO if more than 100 calls in a row have written
  // nothing.
  //
  // If the disk is full (ENOSPC, EDQUOT) or fails (EIO), `*lines` may then
  // begin in the middle of a line. The next call writes the rest of the line to
  // the same file. If Reopen() is called or the file is deleted in between, the
  // rest goes to the new file, and the line is split between two files.
  //
  // If the file reaches the size limit of the process or of the file system
  // (EFBIG), the writer rotates it; a line may be split in the same way. A
  // process with such a limit must ignore SIGXFSZ, which kills it otherwise.
  absl::Status Write(absl::string_view* lines) override;

  // Calls fdatasync(2) for this file and for the files rotated since the last
  // call, and fsync(2) for the folder if names have changed. Opens a new file
  // if the file was deleted, as Write() does. Returns the first error since the
  // last call, either in this call or in an operation whose error Write() does
  // not return: a rotation, Reopen(), close(2).
  //
  // If fdatasync(2) fails, the data that it should have written may be lost,
  // even if the next call succeeds: Linux discards such data. The writer keeps
  // the descriptors of up to 16 rotated files open for Flush(); if there are
  // more, a rotation synchronizes and closes the oldest one.
  absl::Status Flush() override;

  // Makes the next Write() or Flush() open the file at `path`. If it is another
  // file, the writer continues there and closes the previous one. If the file
  // cannot be opened, the writer continues in the previous one, as described
  // above. Async-signal-safe, for a handler of SIGHUP.
  void Reopen() { reopen_.store(true, std::memory_order_relaxed); }

  struct Stats {
    uint64_t bytes = 0;      // bytes written
    uint64_t rotations = 0;  // successful rotations
    uint64_t reopens = 0;    // files opened for Reopen(), or after a deletion
    uint64_t errors = 0;     // all errors, also those that no call returned
  };
  Stats stats() const;

 private:
  struct File {
    int fd = -1;
    dev_t device = 0;
    ino_t inode = 0;
    bool regular = false;
    int64_t size = 0;
    // True if the file ends in a line that another process began.
    bool truncated_line = false;
    bool open_line = false;  // true if it ends in a line that this writer began
  };

  FileWriter(FileCalls* calls, const Clock* clock, std::string path,
             Options options);

  // Ensures that file_ is open and its size is known. Write() and Flush() begin
  // with it.
  absl::Status FindFile();
  absl::StatusOr<File> OpenFile();
  absl::StatusOr<File> Inspect(int fd);

  // Returns the size of the front of `lines` that fits into this file, at least
  // one line.
  size_t PieceSize(absl::string_view lines) const;
  bool RotationIsDue(absl::string_view lines) const;
  // Writes `*text`, and removes the written bytes from its front.
  IoResult Put(absl::string_view* text);

  // These return false if file_ has not changed.
  bool Rotate();
  bool SwitchTo(absl::StatusOr<File> next);
  // Renames the files, so that there is none at path_.
  absl::Status ShiftNames();
  void RemoveBeyondKeep();
  std::string Name(int number) const;  // path_ for 0

  // Keeps `fd` for Flush() to synchronize, unless its file is removed.
  void Retire(int fd);
  absl::Status SyncFile(int fd);
  absl::Status SyncFolder();
  bool IsRemoved(int fd);
  void Close(int fd);
  // Counts an error, and keeps the first one for Flush() to return.
  void Note(const absl::Status& status);

  FileCalls* const calls_;
  const Clock* const clock_;
  const std::string path_;
  const Options options_;

  File file_;                 // no file if fd is -1
  std::vector<int> retired_;  // oldest first
  bool reopening_ = false;    // true until Reopen() is done
  bool names_changed_ = false;
  MonotonicTime next_try_;   // time of the next rotation or reopening
  bool may_switch_ = false;  // true if next_try_ has come
  absl::Status noted_;

  std::atomic<bool> reopen_{false};
  static_assert(std::atomic<bool>::is_always_lock_free);
  Counter bytes_;
  Counter rotations_;
  Counter reopens_;
  Counter errors_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_FILE_WRITER_H_

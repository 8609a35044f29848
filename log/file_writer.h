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
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "sluice/base/io_result.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {

class FileCalls;

// A LogWriter on the file at a path, to whose end it writes. Rotates: when the
// file has grown to max_bytes, or at the first write of a new day, it becomes
// path.1, what was path.1 becomes path.2, and so on; beyond path.keep they are
// removed. On disk that is at most (keep + 1) * max_bytes, and for each file
// what its last line has beyond that: 1.2 GB unless told otherwise. path.1 and
// all numbers after it belong to this writer, and path to one writer at a time.
//
// No error loses lines: what could not be written stays with the caller. If a
// file cannot be renamed, or the next one not opened, this goes on in the file
// that it has, beyond max_bytes if need be, and tries again after 10 seconds at
// the earliest; Flush() tells. A process killed in the middle of a rotation
// leaves a number free: the next rotation fills it and removes nothing. One
// killed in the middle of a line leaves that line cut: whoever opens the file
// next ends it with a newline.
//
// Each Write() looks whether the file is still there: statx(2), 0.4 us. One
// that has no name any more is opened anew, as is one whose folder has gone, as
// soon as the folder is back. A file that somebody renames is written to until
// Reopen(), which is what logrotate expects; one that somebody shortens, as
// logrotate does for "copytruncate", is written to from its new end.
//
// Formats nothing, buffers nothing, compresses nothing, waits for nothing but
// the disk. Thread-compatible, save Reopen() and stats(), which are
// thread-safe.
class FileWriter final : public LogWriter {
 public:
  struct Options {
    // Files are cut where lines end. A longer line has a file of its own.
    int64_t max_bytes = 128 << 20;  // at least 1
    // Files that have been rotated, at most a million: a rotation renames each.
    // 0: each is removed at once.
    int keep = 8;
    // Rotates also when the wall clock shows another day than at the last write
    // to the file, be that by an earlier process (the file's mtime).
    bool daily = false;
    absl::TimeZone time_zone = absl::UTCTimeZone();  // in which days begin
    mode_t mode = 0640;  // of new files, less the process's umask; to 0777
  };

  // Opens the file, or makes it. `clock` outlives this. A relative path is
  // looked up in the current folder each time: then that must not change.
  // kInvalidArgument names the option; kFailedPrecondition if at `path` is a
  // symbolic link, or another thing than a file or a character device (which is
  // written to, as /dev/null, and never rotated); the errors of open(2) (among
  // them EISDIR), statx(2) and pread(2).
  static absl::StatusOr<std::unique_ptr<FileWriter>> Open(const Clock* clock,
                                                          std::string path,
                                                          Options options);
  // For tests, which fail the calls.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Open(FileCalls* calls,
                                                          const Clock* clock,
                                                          std::string path,
                                                          Options options);

  // Synchronizes nothing.
  ~FileWriter() override;

  // The error of statx(2), write(2) or, if the file had gone, of Open(). On a
  // full disk (ENOSPC, EDQUOT) or a failing one (EIO) `*lines` may begin in the
  // middle of a line. The rest of it is written where it belongs if it is
  // offered again, or to another file, if Reopen() or a deletion comes between:
  // then the line is in two files, the deleted one perhaps. At the limit of the
  // process or of the file system for the size of a file (EFBIG), the file is
  // rotated, likewise. A process that has such a limit ignores SIGXFSZ, or is
  // killed by it. Short counts are gone on from, as is EINTR, 100 times in a
  // row at most.
  absl::Status Write(absl::string_view* lines) override;

  // fdatasync(2) of this file and of those that were rotated since the last
  // call, and fsync(2) of the folder if names have changed. Returns the first
  // error since the last call: of what Write() did not return, as a rotation,
  // Reopen() or close(2), or of these. What a failed fdatasync(2) should have
  // written may be lost, even if the next one succeeds: Linux gives it up.
  // Until this is called, descriptors of up to 16 rotated files are kept
  // for it; then a rotation synchronizes one.
  absl::Status Flush() override;

  // The next Write() or Flush() opens the file at `path` and closes the one
  // from before, if that is another. If it cannot, it goes on in the latter, as
  // said above. Async-signal-safe: for a handler of SIGHUP. REQUIRES: this
  // lives.
  void Reopen() { reopen_.store(true, std::memory_order_relaxed); }

  struct Stats {
    uint64_t bytes = 0;      // written
    uint64_t rotations = 0;  // that succeeded
    uint64_t reopens = 0;    // done for Reopen(), or after a deletion
    uint64_t errors = 0;     // of which Write() and Flush() return the first
  };
  Stats stats() const;

 private:
  struct File {
    int fd = -1;
    dev_t device = 0;
    ino_t inode = 0;
    bool regular = false;
    int64_t size = 0;
    absl::CivilDay day;           // of its last write
    bool truncated_line = false;  // ends in a line that somebody else began
    bool open_line = false;       // ends in a line that we began
  };

  FileWriter(FileCalls* calls, const Clock* clock, std::string path,
             Options options);

  // At the start of Write() and Flush(): file_ is open, its size is known.
  absl::Status FindFile();
  absl::StatusOr<File> OpenFile();
  absl::StatusOr<File> Inspect(int fd);
  absl::CivilDay Today() const;

  // The next piece of `lines` for this file, never empty.
  size_t PieceSize(absl::string_view lines) const;
  bool RotationIsDue(absl::string_view lines) const;
  // Removes from the front of `*text` what it has written.
  IoResult Put(absl::string_view* text);

  // False: file_ is the one that it was.
  bool Rotate();
  bool SwitchTo(absl::StatusOr<File> next);
  // Afterwards there is no file at the path.
  absl::Status ShiftNames();
  void RemoveBeyondKeep();
  std::string Name(int number) const;  // 0: the path

  // Leaves a file that Flush() has to synchronize, unless it is removed.
  void Retire(int fd);
  absl::Status SyncFile(int fd);
  absl::Status SyncFolder();
  bool IsRemoved(int fd);
  void Close(int fd);
  // For Flush() to return, if it is an error.
  void Note(const absl::Status& status);

  FileCalls* const calls_;
  const Clock* const clock_;
  const std::string path_;
  const Options options_;

  File file_;                 // fd -1: there is none
  std::vector<int> retired_;  // oldest first
  bool reopening_ = false;    // asked for, and not yet done
  bool names_changed_ = false;
  MonotonicTime next_try_;   // of a rotation or reopening, after one failed
  bool may_switch_ = false;  // now is not before that
  absl::Status noted_;

  std::atomic<bool> reopen_{false};
  static_assert(std::atomic<bool>::is_always_lock_free);
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> rotations_{0};
  std::atomic<uint64_t> reopens_{0};
  std::atomic<uint64_t> errors_{0};
};

}  // namespace sluice

#endif  // SLUICE_LOG_FILE_WRITER_H_

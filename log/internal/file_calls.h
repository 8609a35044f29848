#ifndef SLUICE_LOG_INTERNAL_FILE_CALLS_H_
#define SLUICE_LOG_INTERNAL_FILE_CALLS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "sluice/base/io_result.h"

namespace sluice {

// The system calls that FileWriter makes, one each, so that a test can fail
// them. Nothing is repeated here: EINTR and short counts are the caller's.
class FileCalls {
 public:
  virtual ~FileCalls() = default;

  // open(2); a descriptor.
  virtual IoResult Open(const std::string& path, int flags, mode_t mode) = 0;
  // write(2), pread(2) of one byte, fdatasync(2), fsync(2).
  virtual IoResult Write(int fd, absl::string_view data) = 0;
  virtual IoResult ReadByte(int fd, int64_t offset, char* byte) = 0;
  virtual IoResult DataSync(int fd) = 0;
  virtual IoResult Sync(int fd) = 0;
  // statx(2) of the descriptor, for the fields in `mask`; fstat(2) where that
  // call is refused with ENOSYS or EPERM. Ask for no times between writes:
  // Linux 6.13 and later make the next write(2) twice as long for that.
  // REQUIRES: `mask` has no more than STATX_BASIC_STATS.
  virtual IoResult Stat(int fd, unsigned mask, struct statx* result) = 0;
  // close(2). The descriptor is gone whatever this returns.
  virtual IoResult Close(int fd) = 0;
  // lstat(2), rename(2), unlink(2).
  virtual IoResult LinkStat(const std::string& path, struct stat* result) = 0;
  virtual IoResult Rename(const std::string& from, const std::string& to) = 0;
  virtual IoResult Unlink(const std::string& path) = 0;
};

// The kernel's. Without state, never deleted, thread-safe. Close() aborts on
// EBADF.
FileCalls* KernelFileCalls();

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FILE_CALLS_H_

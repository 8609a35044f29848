#ifndef SLUICE_LOG_INTERNAL_FILE_CALLS_H_
#define SLUICE_LOG_INTERNAL_FILE_CALLS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "sluice/base/io_result.h"

namespace sluice {

// The system calls that FileWriter makes, as an interface, so that tests can
// let them fail. Each function makes one call, and does not repeat it: the
// caller handles EINTR and short counts.
class FileCalls {
 public:
  virtual ~FileCalls() = default;

  // Calls open(2) and returns the descriptor.
  virtual IoResult Open(const std::string& path, int flags, mode_t mode) = 0;
  // These call write(2), pread(2) for one byte, fdatasync(2) and fsync(2).
  virtual IoResult Write(int fd, absl::string_view data) = 0;
  virtual IoResult ReadByte(int fd, int64_t offset, char* byte) = 0;
  virtual IoResult DataSync(int fd) = 0;
  virtual IoResult Sync(int fd) = 0;
  // Sets st_mode, st_nlink, st_dev, st_ino and st_size by statx(2), or by
  // fstat(2) if statx(2) fails with ENOSYS or EPERM. fstat(2) also reads times;
  // on Linux 6.13 and later the next write(2) then takes twice as long.
  virtual IoResult Stat(int fd, struct stat* result) = 0;
  // Calls close(2). The descriptor is closed whatever the result.
  virtual IoResult Close(int fd) = 0;
  // These call lstat(2), rename(2) and unlink(2).
  virtual IoResult LinkStat(const std::string& path, struct stat* result) = 0;
  virtual IoResult Rename(const std::string& from, const std::string& to) = 0;
  virtual IoResult Unlink(const std::string& path) = 0;
};

// Returns the calls of the kernel. The object has no state and is never
// deleted. Its Close() CHECKs that the error is not EBADF. Thread-safe.
FileCalls* KernelFileCalls();

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FILE_CALLS_H_

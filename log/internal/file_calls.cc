#include "sluice/log/internal/file_calls.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "sluice/base/check.h"

namespace sluice {
namespace {

IoResult Result(int64_t value) {
  return value >= 0 ? IoResult(value) : IoResult::FromErrno(errno);
}

// Fills the fields of STATX_BASIC_STATS, which are all that fstat(2) returns.
int StatWithoutStatx(int fd, struct statx* result) {
  struct stat found;
  if (fstat(fd, &found) != 0) return -1;
  const auto converted = [](const timespec& from) {
    statx_timestamp to = {};
    to.tv_sec = from.tv_sec;
    to.tv_nsec = static_cast<uint32_t>(from.tv_nsec);
    return to;
  };
  *result = {};
  result->stx_mask = STATX_BASIC_STATS;
  result->stx_blksize = static_cast<uint32_t>(found.st_blksize);
  result->stx_nlink = static_cast<uint32_t>(found.st_nlink);
  result->stx_uid = found.st_uid;
  result->stx_gid = found.st_gid;
  result->stx_mode = static_cast<uint16_t>(found.st_mode);
  result->stx_ino = found.st_ino;
  result->stx_size = static_cast<uint64_t>(found.st_size);
  result->stx_blocks = static_cast<uint64_t>(found.st_blocks);
  result->stx_atime = converted(found.st_atim);
  result->stx_ctime = converted(found.st_ctim);
  result->stx_mtime = converted(found.st_mtim);
  result->stx_rdev_major = major(found.st_rdev);
  result->stx_rdev_minor = minor(found.st_rdev);
  result->stx_dev_major = major(found.st_dev);
  result->stx_dev_minor = minor(found.st_dev);
  return 0;
}

class Kernel final : public FileCalls {
 public:
  IoResult Open(const std::string& path, int flags, mode_t mode) override {
    return Result(open(path.c_str(), flags, mode));
  }
  IoResult Write(int fd, absl::string_view data) override {
    return Result(write(fd, data.data(), data.size()));
  }
  IoResult ReadByte(int fd, int64_t offset, char* byte) override {
    return Result(pread(fd, byte, 1, offset));
  }
  IoResult Stat(int fd, unsigned mask, struct statx* result) override {
    const IoResult found = Result(statx(fd, "", AT_EMPTY_PATH, mask, result));
    // ENOSYS: Linux before 4.11. EPERM: a container whose filter is older than
    // statx(2).
    if (found.error() != ENOSYS && found.error() != EPERM) return found;
    return Result(StatWithoutStatx(fd, result));
  }
  IoResult DataSync(int fd) override { return Result(fdatasync(fd)); }
  IoResult Sync(int fd) override { return Result(fsync(fd)); }
  IoResult Close(int fd) override {
    const IoResult result = Result(close(fd));
    SLUICE_CHECK(result.error() != EBADF);
    return result;
  }
  IoResult LinkStat(const std::string& path, struct stat* result) override {
    return Result(lstat(path.c_str(), result));
  }
  IoResult Rename(const std::string& from, const std::string& to) override {
    return Result(std::rename(from.c_str(), to.c_str()));
  }
  IoResult Unlink(const std::string& path) override {
    return Result(unlink(path.c_str()));
  }
};

}  // namespace

FileCalls* KernelFileCalls() {
  static Kernel* const kernel = new Kernel;
  return kernel;
}

}  // namespace sluice

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
  IoResult Stat(int fd, struct stat* result) override {
    constexpr unsigned kMask =
        STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE;
    struct statx found;
    const IoResult called = Result(statx(fd, "", AT_EMPTY_PATH, kMask, &found));
    // ENOSYS: Linux before 4.11. EPERM: a container whose filter is older than
    // statx(2).
    if (called.error() == ENOSYS || called.error() == EPERM) {
      return Result(fstat(fd, result));
    }
    if (!called.ok()) return called;
    result->st_mode = found.stx_mode;
    result->st_nlink = found.stx_nlink;
    result->st_dev = makedev(found.stx_dev_major, found.stx_dev_minor);
    result->st_ino = found.stx_ino;
    result->st_size = static_cast<off_t>(found.stx_size);
    return called;
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

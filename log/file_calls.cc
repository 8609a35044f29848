#include "sluice/log/file_calls.h"

#include <fcntl.h>
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
  IoResult Stat(int fd, unsigned mask, struct statx* result) override {
    return Result(statx(fd, "", AT_EMPTY_PATH, mask, result));
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

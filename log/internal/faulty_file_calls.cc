#include "sluice/log/internal/faulty_file_calls.h"

#include <string>

#include "sluice/base/check.h"

namespace sluice {

void FaultyFileCalls::FailOnce(absl::string_view call, int nth, int error) {
  set_plan([call = std::string(call), nth, error](absl::string_view c) mutable {
    return c == call && --nth == 0 ? Fault{.error = error} : Fault{};
  });
}

void FaultyFileCalls::FailAlways(absl::string_view call, int error) {
  set_plan([call = std::string(call), error](absl::string_view c) {
    return c == call ? Fault{.error = error} : Fault{};
  });
}

int FaultyFileCalls::calls(absl::string_view call) const {
  return static_cast<int>(calls_.count(std::string(call)));
}

FaultyFileCalls::Fault FaultyFileCalls::Next(absl::string_view call) {
  calls_.emplace(call);
  return plan_ ? plan_(call) : Fault{};
}

template <typename Make>
IoResult FaultyFileCalls::Unless(absl::string_view call, Make make) {
  const Fault fault = Next(call);
  return fault.error != 0 ? IoResult::FromErrno(fault.error) : make();
}

IoResult FaultyFileCalls::Open(const std::string& path, int flags,
                               mode_t mode) {
  const IoResult fd =
      Unless("open", [&] { return kernel_->Open(path, flags, mode); });
  if (fd.ok()) open_.insert(static_cast<int>(fd.value()));
  return fd;
}

IoResult FaultyFileCalls::Write(int fd, absl::string_view data) {
  const Fault fault = Next("write");
  return fault.error != 0 ? IoResult::FromErrno(fault.error)
                          : kernel_->Write(fd, data.substr(0, fault.at_most));
}

IoResult FaultyFileCalls::ReadByte(int fd, int64_t offset, char* byte) {
  return Unless("pread", [&] { return kernel_->ReadByte(fd, offset, byte); });
}

IoResult FaultyFileCalls::Stat(int fd, struct stat* result) {
  return Unless("statx", [&] { return kernel_->Stat(fd, result); });
}

IoResult FaultyFileCalls::DataSync(int fd) {
  SLUICE_CHECK(open_.count(fd) == 1);
  return Unless("fdatasync", [] { return IoResult(0); });
}

IoResult FaultyFileCalls::Sync(int fd) {
  SLUICE_CHECK(open_.count(fd) == 1);
  return Unless("fsync", [] { return IoResult(0); });
}

IoResult FaultyFileCalls::Close(int fd) {
  SLUICE_CHECK(open_.erase(fd) == 1);
  const IoResult closed = kernel_->Close(fd);
  return Unless("close", [&] { return closed; });
}

IoResult FaultyFileCalls::LinkStat(const std::string& path,
                                   struct stat* result) {
  return Unless("lstat", [&] { return kernel_->LinkStat(path, result); });
}

IoResult FaultyFileCalls::Rename(const std::string& from,
                                 const std::string& to) {
  return Unless("rename", [&] { return kernel_->Rename(from, to); });
}

IoResult FaultyFileCalls::Unlink(const std::string& path) {
  return Unless("unlink", [&] { return kernel_->Unlink(path); });
}

}  // namespace sluice

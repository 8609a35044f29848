#ifndef SLUICE_LOG_INTERNAL_FAULTY_FILE_CALLS_H_
#define SLUICE_LOG_INTERNAL_FAULTY_FILE_CALLS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "sluice/base/io_result.h"
#include "sluice/log/internal/file_calls.h"

namespace sluice {

// The calls of the kernel (testonly), except that a test can let calls fail,
// and that fdatasync(2) and fsync(2) do nothing, so that no test waits for a
// disk. Counts the open descriptors. CHECKs that only these are synchronized
// and closed. Thread-compatible.
class FaultyFileCalls final : public FileCalls {
 public:
  struct Fault {
    int error = 0;  // error in place of the call; for close(2) after it
    size_t at_most = SIZE_MAX;  // limit of the bytes that write(2) writes
  };
  // Called before each call, with the name of the system call; returns its
  // fault.
  using Plan = absl::AnyInvocable<Fault(absl::string_view call)>;
  void set_plan(Plan plan) { plan_ = std::move(plan); }
  // Sets a plan: the `nth` call named `call`, counted from 1, fails.
  void FailOnce(absl::string_view call, int nth, int error);
  // Sets a plan: all calls of this name fail, until another plan is set.
  void FailAlways(absl::string_view call, int error);
  void FailNothing() { plan_ = nullptr; }

  // Returns the number of descriptors that are open.
  size_t open_descriptors() const { return open_.size(); }
  // Returns the number of calls with this name so far, failed or not.
  int calls(absl::string_view call) const;

  IoResult Open(const std::string& path, int flags, mode_t mode) override;
  IoResult Write(int fd, absl::string_view data) override;
  IoResult ReadByte(int fd, int64_t offset, char* byte) override;
  IoResult Stat(int fd, struct stat* result) override;
  IoResult DataSync(int fd) override;
  IoResult Sync(int fd) override;
  IoResult Close(int fd) override;
  IoResult LinkStat(const std::string& path, struct stat* result) override;
  IoResult Rename(const std::string& from, const std::string& to) override;
  IoResult Unlink(const std::string& path) override;

 private:
  Fault Next(absl::string_view call);
  // Returns the error of the planned fault, or the result of make(fault).
  template <typename Make>
  IoResult Unless(absl::string_view call, Make make);

  FileCalls* const kernel_ = KernelFileCalls();
  Plan plan_;
  std::set<int> open_;
  std::multiset<std::string> calls_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FAULTY_FILE_CALLS_H_

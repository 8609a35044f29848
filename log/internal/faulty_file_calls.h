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

// The kernel's calls (testonly), save those which the test fails, and save
// fdatasync(2) and fsync(2): no test waits for a disk. Knows which descriptors
// are open. Thread-compatible.
class FaultyFileCalls final : public FileCalls {
 public:
  struct Fault {
    int error = 0;              // instead of the call; close(2): after it
    size_t at_most = SIZE_MAX;  // that write(2) writes
  };
  // Asked before each call, by the name of the system call.
  using Plan = absl::AnyInvocable<Fault(absl::string_view call)>;
  void set_plan(Plan plan) { plan_ = std::move(plan); }
  // A plan: of the calls named `call` the `nth`, counted from 1, fails.
  void FailOnce(absl::string_view call, int nth, int error);
  // Until another plan is set, all calls of this name fail.
  void FailAlways(absl::string_view call, int error);
  void FailNothing() { plan_ = nullptr; }

  size_t open_descriptors() const { return open_.size(); }
  int calls(absl::string_view call) const;  // made so far, failed or not

  IoResult Open(const std::string& path, int flags, mode_t mode) override;
  IoResult Write(int fd, absl::string_view data) override;
  IoResult ReadByte(int fd, int64_t offset, char* byte) override;
  IoResult Stat(int fd, unsigned mask, struct statx* result) override;
  IoResult DataSync(int fd) override;
  IoResult Sync(int fd) override;
  IoResult Close(int fd) override;
  IoResult LinkStat(const std::string& path, struct stat* result) override;
  IoResult Rename(const std::string& from, const std::string& to) override;
  IoResult Unlink(const std::string& path) override;

 private:
  Fault Next(absl::string_view call);
  // The fault's error, or what `make` returns.
  template <typename Make>
  IoResult Unless(absl::string_view call, Make make);

  FileCalls* const kernel_ = KernelFileCalls();
  Plan plan_;
  std::set<int> open_;
  std::multiset<std::string> calls_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FAULTY_FILE_CALLS_H_

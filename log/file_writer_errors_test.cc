// Each error of each call of a FileWriter.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/internal/faulty_file_calls.h"
#include "sluice/log/internal/file_writer_folder.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

struct CallErrors {
  const char* call;
  std::vector<int> returned;  // errors that Write() or Flush() returns
  std::vector<int> ignored;   // results that are not errors here
};

// The errors of the manual pages, except EBADF, EFAULT and EINVAL, which mean a
// wrong call.
const std::vector<CallErrors>& AllErrors() {
  static const auto* const errors = new std::vector<CallErrors>{
      {"open",
       {EACCES, EBUSY,  EDQUOT,       EEXIST,     EINVAL,     EISDIR,
        ELOOP,  EMFILE, ENAMETOOLONG, ENFILE,     ENODEV,     ENOENT,
        ENOMEM, ENOSPC, ENOTDIR,      ENXIO,      EOPNOTSUPP, EOVERFLOW,
        EPERM,  EROFS,  ETXTBSY,      EWOULDBLOCK},
       {EINTR}},
      {"write", {EAGAIN, EDQUOT, EIO, EINVAL, ENOSPC, EPERM, EPIPE}, {EINTR}},
      {"statx",
       {EACCES, EIO, EINVAL, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW},
       {ESTALE}},
      {"pread", {EAGAIN, EIO, EINVAL, EISDIR, EOVERFLOW}, {EINTR}},
      {"lstat",
       {EACCES, EIO, ELOOP, ENAMETOOLONG, ENOMEM, ENOTDIR, EOVERFLOW},
       {}},
      {"rename",
       {EACCES, EBUSY, EDQUOT, EEXIST, EINVAL, EISDIR, ELOOP, EMLINK,
        ENAMETOOLONG, ENOMEM, ENOSPC, ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV},
       {}},
      {"unlink",
       {EACCES, EBUSY, EIO, EISDIR, ELOOP, ENAMETOOLONG, ENOMEM, ENOTDIR, EPERM,
        EROFS},
       {ENOENT}},
      {"fdatasync", {EDQUOT, EIO, ENOSPC}, {EINTR, EINVAL, EROFS}},
      {"fsync", {EDQUOT, EIO, ENOSPC}, {EINTR, EINVAL, EROFS}},
      {"close", {EDQUOT, EIO, ENOSPC}, {EINTR}},
  };
  return *errors;
}

// Writes, rotates and flushes as a process does, and repeats failed calls.
class Scenario {
 public:
  static constexpr absl::string_view kLines = "1\n2\n3\n4\n5\n";

  // Returns false if there were fewer than `nth` calls.
  bool Run(const std::string& call, int nth, int error) {
    folder_.Write("log", "old\n");
    calls_.FailOnce(call, nth, error);
    std::unique_ptr<FileWriter> writer;
    for (int i = 0; writer == nullptr && i < 2; ++i) {
      auto opened = FileWriter::Open(&clock_, folder_.Path("log"),
                                     {.max_bytes = 4}, &calls_);
      Collect(opened.status());
      if (opened.ok()) writer = *std::move(opened);
    }
    absl::string_view lines = kLines;
    for (int i = 0; !lines.empty() && i < 9; ++i) {
      absl::string_view line = lines.substr(0, 2);
      Collect(writer->Write(&line));
      lines.remove_prefix(2 - line.size());
      clock_.Advance(absl::Seconds(10));
      if (i % 3 == 0) writer->Reopen();
      if (i % 4 == 0) Collect(writer->Flush());
    }
    EXPECT_EQ(lines, "");
    Collect(writer->Flush());
    Collect(writer->Flush());
    const bool failed = calls_.calls(call) >= nth;
    calls_.FailNothing();
    SLUICE_EXPECT_OK(writer->Flush());
    writer.reset();
    EXPECT_EQ(calls_.open_descriptors(), 0);
    return failed;
  }
  std::string log() const { return folder_.Log(); }
  const std::string& messages() const { return messages_; }

 private:
  void Collect(const absl::Status& status) {
    absl::StrAppend(&messages_, status.message(), "\n");
  }

  FileWriterFolder folder_;
  FaultyFileCalls calls_;
  SimClock clock_;
  std::string messages_;
};

TEST(FileWriterErrorsTest, AFailedCallDropsNoLineAndLeaksNoDescriptor) {
  for (const CallErrors& errors : AllErrors()) {
    for (const bool returned : {true, false}) {
      for (const int error : returned ? errors.returned : errors.ignored) {
        int nth = 1;
        for (bool ran = true; ran; ++nth) {
          SCOPED_TRACE(absl::StrCat(errors.call, " ", nth, " errno ", error));
          Scenario scenario;
          ran = scenario.Run(errors.call, nth, error);
          EXPECT_EQ(scenario.log(), absl::StrCat("old\n", Scenario::kLines));
          const bool found = absl::StrContains(scenario.messages(),
                                               absl::StrCat("errno ", error));
          // IsRemoved() ignores errors: it is called again later.
          if (ran && absl::string_view(errors.call) != "statx") {
            EXPECT_EQ(found, returned) << scenario.messages();
          }
          if (HasFailure()) return;
        }
        EXPECT_GT(nth, 2) << errors.call << " was never called";
      }
    }
  }
}

}  // namespace
}  // namespace sluice

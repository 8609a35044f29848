// The files hold all lines in order, whichever calls fail, and however often.

#include <cerrno>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/internal/faulty_file_calls.h"
#include "sluice/log/internal/file_writer_folder.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

constexpr int64_t kMaxBytes = 3000;
constexpr int kMaxLine = 80;

// A process that logs, is killed and restarted, on a machine whose calls fail.
class Machine {
 public:
  // A file that cannot be rotated grows beyond its limit.
  Machine(uint64_t seed, bool only_writes_fail)
      : random_(seed), only_writes_fail_(only_writes_fail) {
    calls_.set_plan([this](absl::string_view call) { return Fault(call); });
  }

  void Run() {
    for (int step = 0; step < 300; ++step) {
      if (lines_.empty() || Below(4) == 0) MakeLines();
      Write();
      if (Below(3) == 0) clock_.Advance(absl::Seconds(Below(30)));
      if (Below(10) == 0 && writer_ != nullptr) writer_->Reopen();
      if (Below(10) == 0 && writer_ != nullptr) writer_->Flush().IgnoreError();
      if (Below(20) == 0) Kill();
    }
    failing_ = false;
    clock_.Advance(absl::Seconds(10));
    Write();
    EXPECT_EQ(lines_, "");
    Kill();
  }

  const FileWriterFolder& folder() const { return folder_; }
  const std::string& expected() const { return expected_; }

 private:
  int Below(int n) { return static_cast<int>(random_() % n); }

  FaultyFileCalls::Fault Fault(absl::string_view call) {
    if (!failing_ || Below(8) != 0) return {};
    if (call == "write") {
      const int errors[] = {EINTR, ENOSPC, EDQUOT, EIO, EAGAIN};
      if (Below(2) == 0) return {.at_most = static_cast<size_t>(Below(20))};
      return {.error = errors[Below(5)]};
    }
    if (only_writes_fail_) return {};
    const int errors[] = {EIO, EACCES, ENOSPC, ENOMEM};
    return {.error = errors[Below(4)]};
  }

  void MakeLines() {
    for (int i = Below(30); i >= 0; --i) {
      absl::StrAppend(&lines_, std::string(Below(kMaxLine - 10), 'x'),
                      ++numbers_, "\n");
    }
  }

  void Write() {
    if (writer_ == nullptr) {
      auto writer = FileWriter::Open(
          &clock_, folder_.Path("log"),
          {.max_bytes = kMaxBytes, .keep = 1'000'000}, &calls_);
      if (!writer.ok()) return;
      writer_ = *std::move(writer);
      const std::string log = folder_.Read("log");
      ends_truncated_line_ = !log.empty() && log.back() != '\n';
    }
    absl::string_view rest = lines_;
    const absl::Status status = writer_->Write(&rest);
    EXPECT_EQ(status.ok(), rest.empty()) << status;
    const size_t written = lines_.size() - rest.size();
    if (written == 0) return;
    if (ends_truncated_line_) expected_ += '\n';
    ends_truncated_line_ = false;
    expected_ += lines_.substr(0, written);
    lines_.erase(0, written);
  }

  void Kill() {
    writer_.reset();
    EXPECT_EQ(calls_.open_descriptors(), 0);
  }

  std::mt19937_64 random_;
  const bool only_writes_fail_;
  bool failing_ = true;
  FileWriterFolder folder_;
  FaultyFileCalls calls_;
  SimClock clock_;
  std::unique_ptr<FileWriter> writer_;
  int numbers_ = 0;
  std::string lines_;  // lines to write
  std::string expected_;
  bool ends_truncated_line_ = false;  // before other bytes
};

TEST(FileWriterRandomTest, TheFilesHoldAllLinesInOrder) {
  const uint64_t base = TestSeed();
  for (uint64_t seed = base; seed < base + 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    Machine machine(seed, /*only_writes_fail=*/false);
    machine.Run();
    ASSERT_TRUE(machine.folder().Log() == machine.expected());
  }
}

TEST(FileWriterRandomTest, FilesStayWithinTheLimitIfOnlyWritesFail) {
  const uint64_t base = TestSeed();
  for (uint64_t seed = base; seed < base + 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    Machine machine(seed, /*only_writes_fail=*/true);
    machine.Run();
    ASSERT_TRUE(machine.folder().Log() == machine.expected());
    const auto files = machine.folder().Files();
    EXPECT_GT(files.size(), 10);
    for (const auto& [name, contents] : files) {
      ASSERT_LE(contents.size(), kMaxBytes + 1) << name;  // plus one newline
    }
  }
}

}  // namespace
}  // namespace sluice

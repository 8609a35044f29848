#ifndef SLUICE_LOG_DESCRIPTOR_WRITER_H_
#define SLUICE_LOG_DESCRIPTOR_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/log/log_writer.h"

namespace sluice {

// A LogWriter on a descriptor that somebody else owns, such as stderr. Goes on
// after EINTR and short writes. Waits without bound for a descriptor that would
// block, such as a pipe whose reader has stopped. A program that has to end all
// the same ends its log by LoggerThread::Stop(). Thread-compatible.
class DescriptorWriter final : public LogWriter {
 public:
  // `fd` is open for writing as long as this lives.
  explicit DescriptorWriter(int fd) : fd_(fd) {}

  // The error of write(2) or poll(2); `*lines` begins at the first byte that is
  // not written, perhaps in the middle of a line.
  absl::Status Write(absl::string_view* lines) override;
  // fdatasync(2); OK for what cannot be synchronized, as a pipe or a terminal.
  absl::Status Flush() override;

 private:
  const int fd_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_DESCRIPTOR_WRITER_H_

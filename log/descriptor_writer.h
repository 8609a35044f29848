#ifndef SLUICE_LOG_DESCRIPTOR_WRITER_H_
#define SLUICE_LOG_DESCRIPTOR_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/log/log_writer.h"

namespace sluice {

// A LogWriter on a descriptor that somebody else owns, such as stderr. Writes
// many lines with one system call; goes on after EINTR and short writes, and
// waits for a descriptor that would block. Thread-compatible.
class DescriptorWriter final : public LogWriter {
 public:
  // `fd` is open for writing as long as this lives.
  explicit DescriptorWriter(int fd) : fd_(fd) {}

  // The error of writev(2) or poll(2): the lines from there on are lost.
  absl::Status Write(absl::Span<const absl::string_view> lines) override;
  // fdatasync(2); OK for what cannot be synchronized, as a pipe or a terminal.
  absl::Status Flush() override;

 private:
  const int fd_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_DESCRIPTOR_WRITER_H_

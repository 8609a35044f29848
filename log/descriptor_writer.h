#ifndef SLUICE_LOG_DESCRIPTOR_WRITER_H_
#define SLUICE_LOG_DESCRIPTOR_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/log/log_writer.h"

namespace sluice {

// A LogWriter for a descriptor that the caller owns, such as stderr. Continues
// after EINTR and short writes. If the descriptor would block, as a pipe does
// when its reader has stopped, waits without a limit: a program that must end
// even then calls LoggerThread::Stop() with one. If a pipe has no reader any
// more, the process gets SIGPIPE; if it ignores SIGPIPE, Write() fails.
// Thread-compatible.
class DescriptorWriter final : public LogWriter {
 public:
  // REQUIRES: `fd` is open for writing as long as this object lives.
  explicit DescriptorWriter(int fd) : fd_(fd) {}

  // Returns the error of write(2) or poll(2). `*lines` then begins with the
  // first byte that is not written, which may be in the middle of a line.
  absl::Status Write(absl::string_view* lines) override;
  // Calls fdatasync(2) and returns its error, but OK for descriptors that
  // cannot be synchronized, such as pipes and terminals.
  absl::Status Flush() override;

 private:
  const int fd_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_DESCRIPTOR_WRITER_H_

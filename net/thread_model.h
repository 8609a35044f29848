#ifndef SLUICE_NET_THREAD_MODEL_H_
#define SLUICE_NET_THREAD_MODEL_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// How a server's connections are spread over its loops. Handlers are the same
// under each.
enum class ThreadModel : uint8_t {
  kSingleLoop,  // "single": one loop accepts and serves
  // "reuseport": every loop accepts, on a listener of its own for the same port
  // (SO_REUSEPORT, socket(7)), and serves what it has accepted. The kernel
  // chooses the loop by a hash of the addresses. For IP only. When one of the
  // listeners closes, what waits in its backlog is reset, unless the kernel has
  // net.ipv4.tcp_migrate_req set (Linux 5.14) and others are left.
  kReusePort,
};

// The value of a flag. kInvalidArgument names the value and what there is.
absl::StatusOr<ThreadModel> ParseThreadModel(absl::string_view flag);
// "single". Of static storage.
absl::string_view ThreadModelName(ThreadModel model);

}  // namespace sluice

#endif  // SLUICE_NET_THREAD_MODEL_H_

#ifndef SLUICE_NET_TCP_THREAD_MODEL_H_
#define SLUICE_NET_TCP_THREAD_MODEL_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// The ways to distribute a server's connections over its loops. Handlers are
// the same for each.
enum class ThreadModel : uint8_t {
  kSingleLoop,  // "single": one loop accepts and serves
  // "reuseport": each loop has a listener of its own for the same port
  // (SO_REUSEPORT, socket(7)), and serves the connections that it has accepted.
  // The kernel chooses the loop by a hash of the addresses. For IP only. If one
  // of the listeners closes, the connections in its backlog are reset, unless
  // the kernel has net.ipv4.tcp_migrate_req set (Linux 5.14) and other
  // listeners are left.
  kReusePort,
};

// Parses the value of a flag. Returns kInvalidArgument if there is no such
// model; the message has the value and the possible values.
absl::StatusOr<ThreadModel> ParseThreadModel(absl::string_view flag);
// Returns the name, such as "single", in static storage.
absl::string_view ThreadModelName(ThreadModel model);

}  // namespace sluice

#endif  // SLUICE_NET_TCP_THREAD_MODEL_H_

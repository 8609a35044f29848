#ifndef SLUICE_APPS_COMMON_SERVER_FLAGS_H_
#define SLUICE_APPS_COMMON_SERVER_FLAGS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/apps/common/app_log.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/thread_model.h"

namespace sluice {

// The flags that every server has, with their defaults.
struct ServerFlags {
  std::string listen = "127.0.0.1:7007";  // an address for Resolve()
  int64_t threads = 1;                    // at most 1024
  ThreadModel model = ThreadModel::kSingleLoop;
  PollerKind poller = PollerKind::kAuto;
  absl::Duration idle_timeout = absl::Minutes(5);
  int64_t max_connections = 100'000;  // on all threads together
  absl::Duration drain_timeout = absl::Seconds(5);
  AppLog::Flags log;

  // Adds the flags to `line`, which sets the fields. This object outlives
  // CommandLine::Parse().
  void AddTo(CommandLine* line);
  // If a flag is wrong or contradicts another one, returns kInvalidArgument,
  // which names the flag.
  absl::Status Check() const;
  // Returns kInvalidArgument if the flags contradict `address`, which is the
  // address that `listen` names.
  absl::Status CheckAddress(const SocketAddress& address) const;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_SERVER_FLAGS_H_

#include "sluice/apps/common/server_flags.h"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr int64_t kMaxThreads = 1024;

}  // namespace

void ServerFlags::AddTo(CommandLine* line) {
  line->AddString("listen", "ADDRESS",
                  "HOST:PORT; [V6]:PORT, for IPv6 alone; :PORT, for every IPv4 "
                  "and IPv6 address of this host; unix:PATH or unix:@NAME; "
                  "port 0 picks a free one",
                  &listen);
  line->AddInt("threads", "threads that serve", 1, &threads);
  line->AddNamed("model", "MODEL",
                 "how connections are spread over threads: single, reuseport",
                 ParseThreadModel, ThreadModelName, &model);
  line->AddNamed(
      "poller", "POLLER",
      "system call that waits for readiness: auto, epoll, poll, select",
      ParsePollerKind, PollerKindName, &poller);
  line->AddDuration("idle_timeout",
                    "close a connection after this long without traffic",
                    &idle_timeout);
  line->AddInt("max_connections",
               "the most open connections; further ones wait to be accepted", 1,
               &max_connections);
  line->AddDuration("drain_timeout",
                    "how long connections may go on after the first signal",
                    &drain_timeout);
  AppLog::AddFlags(line, &log);
}

absl::Status ServerFlags::Check() const {
  if (threads > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads=", threads, ": at most ", kMaxThreads));
  }
  if (model == ThreadModel::kSingleLoop && threads != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--threads=", threads,
        ": --model=single serves on one thread; --model=reuseport on many"));
  }
  if (idle_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "--idle_timeout: must be more than 0; inf is no limit");
  }
  return absl::OkStatus();
}

absl::Status ServerFlags::CheckAddress(const SocketAddress& address) const {
  if (model == ThreadModel::kReusePort && address.family() == AF_UNIX) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen=", listen,
        ": --model=reuseport is for IP addresses; --model=single is for any"));
  }
  return absl::OkStatus();
}

}  // namespace sluice

#include "sluice/event/poller/poller_kind.h"

#include <sys/select.h>

#include <climits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poll_poller.h"
#include "sluice/event/poller/select_poller.h"

namespace sluice {
namespace {

// `options` is empty or one PollerOptions.
template <typename... Options>
absl::StatusOr<std::unique_ptr<Poller>> New(PollerKind kind,
                                            const Options&... options) {
  switch (kind) {
    case PollerKind::kAuto: {
      absl::StatusOr<std::unique_ptr<Poller>> poller =
          EpollPoller::Create(options...);
      // ENOSYS and EPERM.
      const bool refused = absl::IsUnimplemented(poller.status()) ||
                           absl::IsPermissionDenied(poller.status());
      if (refused) poller = PollPoller::Create(options...);
      return poller;
    }
    case PollerKind::kEpoll:
      return EpollPoller::Create(options...);
    case PollerKind::kPoll:
      return PollPoller::Create(options...);
    case PollerKind::kSelect:
      return SelectPoller::Create(options...);
  }
  SLUICE_CHECK(false);
}

}  // namespace

absl::StatusOr<PollerKind> ParsePollerKind(absl::string_view flag) {
  for (const PollerKind kind : {PollerKind::kAuto, PollerKind::kEpoll,
                                PollerKind::kPoll, PollerKind::kSelect}) {
    if (flag == PollerKindName(kind)) return kind;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "poller \"", flag, "\" is not one of: auto, epoll, poll, select"));
}

absl::string_view PollerKindName(PollerKind kind) {
  switch (kind) {
    case PollerKind::kAuto:
      return "auto";
    case PollerKind::kEpoll:
      return "epoll";
    case PollerKind::kPoll:
      return "poll";
    case PollerKind::kSelect:
      return "select";
  }
  SLUICE_CHECK(false);
}

absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind) {
  return New(kind);
}

absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind,
                                                  PollerOptions options) {
  return New(kind, options);
}

int DescriptorLimit(PollerKind kind) {
  return kind == PollerKind::kSelect ? FD_SETSIZE : INT_MAX;
}

}  // namespace sluice

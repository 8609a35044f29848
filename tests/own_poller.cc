#include "sluice/tests/own_poller.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/event/poller/poller_kind.h"

namespace own {
namespace {

using sluice::AddHint;
using sluice::IoEvent;
using sluice::IoEvents;
using sluice::Poller;

class OwnPoller final : public Poller {
 public:
  explicit OwnPoller(std::unique_ptr<Poller> poller)
      : poller_(std::move(poller)) {}

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override {
    return poller_->Add(fd, interest, token, hint);
  }
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override {
    return poller_->Modify(fd, interest, token);
  }
  absl::Status Remove(int fd) override { return poller_->Remove(fd); }
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    return poller_->Wait(timeout);
  }
  bool has_more() const override { return poller_->has_more(); }
  void Wake() override { poller_->Wake(); }
  absl::string_view name() const override { return "own"; }

 private:
  const std::unique_ptr<Poller> poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> NewOwnPoller(size_t max_events) {
  auto poller =
      sluice::NewPoller(sluice::PollerKind::kAuto, {.max_events = max_events});
  if (!poller.ok()) return poller.status();
  return std::make_unique<OwnPoller>(*std::move(poller));
}

}  // namespace own

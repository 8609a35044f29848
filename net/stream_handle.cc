#include "sluice/net/stream_handle.h"

#include <utility>

#include "sluice/base/check.h"
#include "sluice/net/stream_mailbox.h"

namespace sluice {
namespace {

absl::Status NoStream() {
  return absl::NotFoundError("StreamHandle: a default handle has no stream");
}

}  // namespace

StreamHandle::StreamHandle(std::shared_ptr<StreamMailbox> mailbox,
                           uint32_t slot, uint32_t generation)
    : mailbox_(std::move(mailbox)), slot_(slot), generation_(generation) {}

absl::Status StreamHandle::Write(std::string&& data) const {
  if (mailbox_ == nullptr) return NoStream();
  return mailbox_->Write({slot_, generation_}, std::move(data));
}

absl::Status StreamHandle::ShutdownWrite() const {
  if (mailbox_ == nullptr) return NoStream();
  return mailbox_->ShutdownWrite({slot_, generation_});
}

absl::Status StreamHandle::Abort(absl::Status why) const {
  SLUICE_CHECK(!why.ok());
  if (mailbox_ == nullptr) return NoStream();
  return mailbox_->Abort({slot_, generation_}, std::move(why));
}

absl::Status StreamHandle::Post(Callable&& callable) const {
  SLUICE_CHECK(callable != nullptr);
  if (mailbox_ == nullptr) return NoStream();
  return mailbox_->Post({slot_, generation_}, std::move(callable));
}

}  // namespace sluice

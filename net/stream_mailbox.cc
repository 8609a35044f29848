#include "sluice/net/stream_mailbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr size_t kMaxPerIteration = 1024;
// The cost of a message in addition to its bytes: its size, doubled because a
// vector grows by doubling.
constexpr uint64_t kMessageCost = 128;

absl::Status Gone() {
  return absl::NotFoundError("StreamHandle: the stream is gone");
}

}  // namespace

StreamMailbox::StreamMailbox(EventLoop* loop, uint64_t max_bytes,
                             Counters* counters)
    : loop_(loop), max_bytes_(max_bytes), counters_(counters) {}

StreamMailbox::~StreamMailbox() { SLUICE_CHECK(closed_); }

StreamMailbox::Name StreamMailbox::NameOf(Stream* stream) {
  const auto [slot, added] = slots_.try_emplace(stream, first_free_);
  if (added) {
    if (first_free_ == kNone) {
      slot->second = static_cast<uint32_t>(places_.size());
      places_.emplace_back();
    } else {
      first_free_ = places_[first_free_].next_free;
    }
    Place& place = places_[slot->second];
    place.stream = stream;
    MutexLock lock(&mutex_);
    entries_.resize(places_.size());
    entries_[slot->second] = {.generation = place.generation, .open = true};
  }
  return {slot->second, places_[slot->second].generation};
}

void StreamMailbox::Remove(Stream* stream) {
  const auto found = slots_.find(stream);
  if (found == slots_.end()) return;
  const uint32_t slot = found->second;
  slots_.erase(found);
  places_[slot] = {.generation = places_[slot].generation + 1,
                   .next_free = first_free_};
  first_free_ = slot;
  MutexLock lock(&mutex_);
  entries_[slot].open = false;
}

void StreamMailbox::Close() {
  std::vector<Message> queued;  // destroyed after the lock is released
  {
    MutexLock lock(&mutex_);
    if (closed_) return;
    closed_ = true;
    queued.swap(queue_);
  }
  loop_->Cancel(this);
  const std::vector<Message> batch = std::exchange(batch_, {});
  const size_t delivered = std::exchange(next_, 0);
  counters_->dropped.Add(queued.size() + batch.size() - delivered);
}

absl::Status StreamMailbox::Write(Name name, std::string&& data) {
  const uint64_t cost = kMessageCost + data.capacity();
  MutexLock lock(&mutex_);
  absl::Status status = CheckRoom(name, cost);
  if (status.ok()) Queue(name, cost, std::move(data));
  return status;
}

absl::Status StreamMailbox::ShutdownWrite(Name name) {
  MutexLock lock(&mutex_);
  Entry* const entry = Find(name);
  if (entry == nullptr) return Gone();
  if (!std::exchange(entry->finishing, true))
    Queue(name, 0, ShutdownWriteRequest());
  return absl::OkStatus();
}

absl::Status StreamMailbox::Abort(Name name, absl::Status why) {
  MutexLock lock(&mutex_);
  Entry* const entry = Find(name);
  if (entry == nullptr) return Gone();
  entry->open = false;
  Queue(name, 0, std::move(why));
  return absl::OkStatus();
}

absl::Status StreamMailbox::Post(Name name, Callable&& callable) {
  auto moved = std::make_unique<Callable>(std::move(callable));
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    status = CheckRoom(name, kMessageCost);
    if (status.ok()) {
      Queue(name, kMessageCost, std::move(moved));
      return status;
    }
  }
  callable = std::move(*moved);
  return status;
}

StreamMailbox::Entry* StreamMailbox::Find(Name name) {
  if (closed_) return nullptr;
  Entry& entry = entries_[name.slot];
  return entry.open && entry.generation == name.generation ? &entry : nullptr;
}

absl::Status StreamMailbox::CheckRoom(Name name, uint64_t cost) {
  if (Find(name) == nullptr) return Gone();
  if (bytes_ + cost > max_bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "StreamHandle: messages of ", bytes_, " bytes are under way, ", cost,
        " more would exceed max_handle_bytes"));
  }
  return absl::OkStatus();
}

void StreamMailbox::Queue(Name name, uint64_t cost, Content content) {
  bytes_ += cost;
  queue_.push_back({name, cost, std::move(content)});
  if (!std::exchange(scheduled_, true)) loop_->Schedule(this);
}

void StreamMailbox::Run() {
  // A callable may destroy the owner and all handles.
  const std::shared_ptr<StreamMailbox> self = shared_from_this();
  if (batch_.empty()) {
    MutexLock lock(&mutex_);
    batch_.swap(queue_);
  }
  uint64_t delivered = 0;
  // Close() empties the batch.
  for (size_t i = 0; i < kMaxPerIteration && next_ < batch_.size(); ++i) {
    Message message = std::move(batch_[next_++]);
    delivered += message.cost;
    Deliver(std::move(message));
  }
  if (next_ == batch_.size()) {
    batch_.clear();
    next_ = 0;
    if (batch_.capacity() > kMaxPerIteration)
      std::vector<Message>().swap(batch_);
  }
  MutexLock lock(&mutex_);
  bytes_ -= delivered;
  scheduled_ = !batch_.empty() || !queue_.empty();
  if (scheduled_) loop_->ScheduleLocal(this);
}

void StreamMailbox::Deliver(Message message) {
  const Place& place = places_[message.to.slot];
  Stream* const stream = place.stream;
  if (stream == nullptr || place.generation != message.to.generation) {
    counters_->dropped.Add();
    return;
  }
  counters_->delivered.Add();
  if (auto* const data = std::get_if<std::string>(&message.content)) {
    if (NextIsWriteTo(message.to)) stream->Cork();
    stream->Write(std::move(*data));
  } else if (auto* const callable =
                 std::get_if<std::unique_ptr<Callable>>(&message.content)) {
    std::move (**callable)(*stream);
  } else if (auto* const why = std::get_if<absl::Status>(&message.content)) {
    stream->Abort(std::move(*why));
  } else {
    stream->ShutdownWrite();
  }
}

bool StreamMailbox::NextIsWriteTo(Name name) const {
  if (next_ == batch_.size()) return false;
  const Message& next = batch_[next_];
  return next.to == name && std::holds_alternative<std::string>(next.content);
}

}  // namespace sluice

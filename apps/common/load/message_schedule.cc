#include "sluice/apps/common/load/message_schedule.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/check.h"

namespace sluice {
namespace {

// Returns how many messages are due within `passed`. The first is due at once.
uint64_t DueWithin(absl::Duration passed, double rate) {
  const double due = std::ceil(absl::ToDoubleSeconds(passed) * rate);
  return due < 1e18 ? static_cast<uint64_t>(due) : MessageSchedule::kNoLimit;
}

}  // namespace

MessageSchedule::MessageSchedule(const Options& options, MonotonicTime start)
    : connections_(options.connections),
      rate_(options.rate),
      start_(start),
      measured_from_(start + options.warmup),
      end_(measured_from_ + options.duration),
      limit_(options.messages) {
  SLUICE_CHECK(connections_ > 0);
  if (!open_loop()) return;
  const uint64_t warmup = DueWithin(options.warmup, rate_);
  if (limit_ != kNoLimit) limit_ += warmup;
  limit_ =
      std::min(limit_, DueWithin(options.warmup + options.duration, rate_));
  if (limit_ != kNoLimit) end_ = std::min(end_, DueTime(limit_));
}

uint64_t MessageSchedule::Take(uint64_t connection, uint64_t taken,
                               uint64_t room, MonotonicTime now) {
  uint64_t count;
  if (open_loop()) {
    const uint64_t due = Due(now);
    const uint64_t mine =
        due > connection ? (due - connection - 1) / connections_ + 1 : 0;
    count = std::min(room, mine - taken);
  } else {
    if (now >= end_) return 0;
    // Messages of the warm-up do not count towards the limit.
    if (now < measured_from_ && limit_ != kNoLimit) limit_ += room;
    count = std::min(room, limit_ - taken_);
  }
  taken_ += count;
  return count;
}

void MessageSchedule::Stop(MonotonicTime now) {
  limit_ = Due(now);
  end_ = std::min(end_, now);
}

uint64_t MessageSchedule::Due(MonotonicTime now) const {
  if (!open_loop()) return taken_;
  if (now < start_) return 0;
  const double passed = static_cast<double>(now.nanos() - start_.nanos());
  const double due = std::floor(passed * rate_ * 1e-9) + 1;
  return due < static_cast<double>(limit_) ? static_cast<uint64_t>(due)
                                           : limit_;
}

MonotonicTime MessageSchedule::DueTime(uint64_t number) const {
  SLUICE_DCHECK(open_loop());
  const double after = std::ceil(static_cast<double>(number) * 1e9 / rate_);
  if (after > 9e18) return MonotonicTime::InfiniteFuture();
  return start_ + absl::Nanoseconds(static_cast<int64_t>(after));
}

}  // namespace sluice

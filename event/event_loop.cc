#include "sluice/event/event_loop.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"
#include "sluice/base/cpu_relax.h"

namespace sluice {
namespace {

constexpr uint32_t kGenerationMask = (1u << 24) - 1;

uint64_t MakeToken(uint32_t slot, uint32_t generation, uint32_t kind) {
  return uint64_t{slot} << 32 | uint64_t{generation} << 8 | kind;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(Options options) {
  const auto invalid = [](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("EventLoop: ", what));
  };
  if (options.poller == nullptr) return invalid("poller is required");
  if (options.clock == nullptr) return invalid("clock is required");
  const absl::Duration tick = options.timer_tick;
  absl::Status status = CheckOption("EventLoop: timer_tick", tick,
                                    absl::Nanoseconds(1), absl::Hours(1));
  if (tick != absl::Floor(tick, absl::Nanoseconds(1))) {
    status.Update(
        invalid(absl::StrCat("timer_tick is ", absl::FormatDuration(tick),
                             ", and must be a whole number of nanoseconds")));
  }
  status.Update(CheckOption("EventLoop: receive_buffer_size",
                            options.receive_buffer_size, 1, 1 << 30));
  status.Update(
      CheckOption("EventLoop: max_posted", options.max_posted, 1, 1 << 20));
  status.Update(CheckOption("EventLoop: max_tasks_per_iteration",
                            options.max_tasks_per_iteration, 1, SIZE_MAX));
  status.Update(CheckOption("EventLoop: max_timers_per_iteration",
                            options.max_timers_per_iteration, 1, SIZE_MAX));
  if (!status.ok()) return status;
  return absl::WrapUnique(new EventLoop(std::move(options)));
}

EventLoop::EventLoop(Options options)
    : poller_(std::move(options.poller)),
      clock_(options.clock),
      receive_buffer_size_(options.receive_buffer_size),
      max_tasks_per_iteration_(options.max_tasks_per_iteration),
      max_timers_per_iteration_(options.max_timers_per_iteration),
      max_spins_(options.max_spins),
      now_(clock_->Now()),
      wait_began_(now_),
      looked_at_(now_),
      timers_(now_, {.tick = options.timer_tick}),
      receive_buffer_(new char[options.receive_buffer_size]),
      posted_(options.max_posted) {}

EventLoop::~EventLoop() {
  if (forked()) {
    DropTasks();
    return;
  }
  CallWithoutUnwind([this] {
    SequenceScope scope(&role_);
    AbandonTasks();
    for (const Slot& slot : slots_) SLUICE_CHECK(slot.target == nullptr);
  });
}

void EventLoop::operator delete(EventLoop* loop, std::destroying_delete_t) {
  const bool runs = SequenceRole::OnAny() || !loop->role_.IsCurrent();
  if (runs && loop->forked()) return;
  loop->~EventLoop();
  ::operator delete(loop);
}

absl::Status EventLoop::Run() {
  // Create loops after fork() and daemon(), in the process that runs them.
  const bool made_after_fork = !forked();
  SLUICE_CHECK(made_after_fork);
  absl::Status status;
  CallWithoutUnwind([this, &status] {
    SequenceScope scope(&role_);
    while (status.ok() && !stopped()) {
      status = RunIteration(absl::InfiniteDuration());
    }
    End();
  });
  return status;
}

absl::Status EventLoop::RunOnce(absl::Duration max_wait) {
  absl::Status status;
  CallWithoutUnwind([&, this] {
    SequenceScope scope(&role_);
    status = RunIteration(max_wait);
    const MonotonicTime deadline = timers_.NextDeadline();
    const bool came_in_the_wait = wait_began_ < deadline && deadline <= now_;
    if (status.ok() && came_in_the_wait)
      status = RunIteration(absl::ZeroDuration());
  });
  return status;
}

absl::Duration EventLoop::BeginIteration(absl::Duration max_wait) {
  CallWithoutUnwind([&, this] {
    SequenceScope scope(&role_);
    RunHooks(&before_wait_);
    max_wait = TimeToWait(max_wait);
  });
  return max_wait;
}

absl::Status EventLoop::EndIteration(
    const absl::StatusOr<absl::Span<const IoEvent>>& events) {
  absl::Status status;
  CallWithoutUnwind([&, this] {
    SequenceScope scope(&role_);
    status = Serve(events);
  });
  return status;
}

void EventLoop::Stop() {
  stop_.store(true);
  WakeIfAsleep();
}

absl::Status EventLoop::RunIteration(absl::Duration max_wait) {
  RunHooks(&before_wait_);
  return Serve(poller_->Wait(TimeToWait(max_wait)));
}

absl::Status EventLoop::Serve(
    const absl::StatusOr<absl::Span<const IoEvent>>& events) {
  sleep_flag_.EndSleep();
  now_ = clock_->Now();
  if (!events.ok()) return events.status();
  NoteLook(*events);
  if (now_ < next_deadline_) {
    timers_.AdvanceTo(now_, /*max_fires=*/0);
  } else {
    timers_.SetNow(now_);
  }
  if (urgent_targets_ > 0) Dispatch(*events, kUrgent);
  RunHooks(&after_urgent_);
  Dispatch(*events, kNormal);
  // Queued after the tasks that a due timer must not overtake.
  if (next_deadline_ <= looked_at_ && tasks_.Push(&fire_timers_)) {
    fire_until_ = looked_at_;
  }
  RunTasks(max_tasks_per_iteration_);
  iterations_.AddLocal();
  return absl::OkStatus();
}

void EventLoop::NoteLook(absl::Span<const IoEvent> events) {
  if (!poller_->has_more()) {
    looked_at_ = wait_began_;
    look_began_.reset();
    return;
  }
  if (!look_began_.has_value()) {
    look_began_ = wait_began_;
    look_ = look_ % (kMaxSlots - 1) + 1;
    // The last complete look does not count for a timer that was armed after it
    // for the same moment. That happens if a simulator moves the time.
    looked_at_ = std::min(looked_at_, wait_began_ + absl::Nanoseconds(-1));
  }
  for (const IoEvent& event : events) {
    Slot& slot = slots_[event.token >> 32];
    if (slot.look == look_) {
      // The second report of a descriptor ends the look: Poller::has_more().
      looked_at_ = *look_began_;
      look_began_.reset();
      return;
    }
    slot.look = look_;
  }
}

void EventLoop::FireTimers() {
  role_.Assert();
  // The timers that were due may have been cancelled meanwhile.
  if (timers_.NextDeadline() > fire_until_) return;
  timers_fired_.AddLocal(
      timers_.AdvanceTo(fire_until_, max_timers_per_iteration_));
}

absl::Duration EventLoop::TimeToWait(absl::Duration max_wait) {
  const bool may_wait =
      tasks_.empty() && (max_wait <= absl::ZeroDuration() || !SpinForTasks());
  wait_began_ = now_;
  next_deadline_ = timers_.NextDeadline();
  if (next_deadline_ != MonotonicTime::InfiniteFuture()) {
    wait_began_ = clock_->Now();
    max_wait = std::min(max_wait, next_deadline_ - wait_began_);
  }
  if (!may_wait) return absl::ZeroDuration();
  if (max_wait <= absl::ZeroDuration()) return absl::ZeroDuration();
  const auto has_work = [this] { return !tasks_.empty() || stop_.load(); };
  return sleep_flag_.PrepareToSleep(has_work) ? max_wait : absl::ZeroDuration();
}

bool EventLoop::SpinForTasks() {
  if (max_spins_ == 0 || !spin_credit_.MaySpin()) return false;
  spins_.AddLocal();
  bool found = false;
  for (size_t i = 0; i < max_spins_ && !found; ++i) {
    CpuRelax();
    found = !tasks_.empty() || stopped();
  }
  spin_credit_.OnSpun(found);
  return found;
}

void EventLoop::Dispatch(absl::Span<const IoEvent> events, uint32_t kind) {
  uint64_t dispatched = 0;
  for (const IoEvent& event : events) {
    if ((event.token & 0xff) != kind) continue;
    const Slot& slot = slots_[event.token >> 32];
    if (slot.generation != ((event.token >> 8) & kGenerationMask)) continue;
    ++dispatched;
    slot.target->OnIo(event);
  }
  events_.AddLocal(dispatched);
}

void EventLoop::RunHooks(IntrusiveList<IterationHook>* hooks) {
  if (hooks->empty()) return;
  IntrusiveList<IterationHook> due;
  hooks->MoveAllTo(&due);
  while (IterationHook* const hook = due.front()) {
    hook->Unlink();
    hooks->PushBack(hook);
    hook->OnIteration();
  }
}

void EventLoop::RunTasks(size_t limit) {
  // Counted before the first task runs: tasks that it schedules run in the next
  // iteration.
  const size_t count = std::min(tasks_.Count(), limit);
  for (size_t i = 0; i < count; ++i) {
    Task* const task = tasks_.Pop();
    if (task == nullptr) break;  // the rest was cancelled
    tasks_run_.AddLocal();
    task->Run();
  }
}

void EventLoop::End() {
  now_ = clock_->Now();
  posted_.Close();
  Cancel(&run_posted_);
  Cancel(&fire_timers_);
  RunTasks(std::numeric_limits<size_t>::max());
  AbandonTasks();
}

void EventLoop::AbandonTasks() {
  posted_.Close();
  posted_.Drain(std::numeric_limits<size_t>::max(), [](Callable&&) {});
  while (Task* const task = tasks_.Pop()) task->Abandon();
}

void EventLoop::DropTasks() {
  tasks_.DropAll();
  TaskQueue::Forget(&run_posted_);
}

absl::Status EventLoop::Add(IoTarget* target, int fd, IoEvents interest,
                            AddOptions options) {
  role_.Assert();
  SLUICE_CHECK(!target->registered());
  if (first_free_slot_ == kMaxSlots) {
    SLUICE_CHECK(slots_.size() < kMaxSlots);
    first_free_slot_ = static_cast<uint32_t>(slots_.size());
    slots_.push_back({.look = kMaxSlots});
  }
  const uint32_t index = first_free_slot_;
  Slot& slot = slots_[index];
  const uint32_t kind = options.urgent ? kUrgent : kNormal;
  absl::Status added = poller_->Add(
      fd, interest, MakeToken(index, slot.generation, kind), options.hint);
  if (!added.ok()) return added;
  first_free_slot_ = slot.look;
  slot.target = target;
  slot.kind = kind;
  slot.look = 0;
  target->slot_ = index;
  target->fd_ = fd;
  if (options.urgent) ++urgent_targets_;
  return absl::OkStatus();
}

absl::Status EventLoop::SetInterest(IoTarget* target, IoEvents interest) {
  role_.Assert();
  SLUICE_CHECK(target->registered());
  const Slot& slot = slots_[target->slot_];
  return poller_->Modify(target->fd_, interest,
                         MakeToken(target->slot_, slot.generation, slot.kind));
}

void EventLoop::Remove(IoTarget* target) {
  if (!role_.IsCurrent() && forked()) {
    // The slots are in the state in which a thread of the parent left them.
    target->slot_ = kNoSlot;
    return;
  }
  role_.Assert();
  if (!target->registered()) return;
  // kNotFound: a Modify() that failed half-way may have removed the descriptor.
  const absl::Status removed = poller_->Remove(target->fd_);
  SLUICE_DCHECK(removed.ok() || absl::IsNotFound(removed));
  Slot& slot = slots_[target->slot_];
  if (slot.kind == kUrgent) --urgent_targets_;
  slot.generation = (slot.generation + 1) & kGenerationMask;
  slot.target = nullptr;
  slot.look = first_free_slot_;
  first_free_slot_ = target->slot_;
  target->slot_ = kNoSlot;
}

void EventLoop::Arm(Timer* timer, absl::Duration delay) {
  role_.Assert();
  timers_.Arm(timer, clock_->Now() + delay);
}

TimerWheel* EventLoop::timers() {
  role_.Assert();
  return &timers_;
}

void EventLoop::Hook(IterationHook::Point point, IterationHook* hook) {
  role_.Assert();
  (point == IterationHook::Point::kBeforeWait ? before_wait_ : after_urgent_)
      .PushBack(hook);
}

bool EventLoop::ScheduleLocal(Task* task) {
  role_.Assert();
  return tasks_.Push(task);
}

bool EventLoop::Schedule(Task* task) {
  if (!tasks_.PushRemote(task)) return false;
  WakeIfAsleep();
  return true;
}

void EventLoop::Cancel(Task* task) {
  if (task->queued() && forked()) {
    if (role_.IsCurrent()) DropTasks();
    TaskQueue::Forget(task);
    return;
  }
  role_.Assert();
  tasks_.Remove(task);
}

absl::Status EventLoop::Post(Callable&& callable) {
  switch (posted_.TryPush(std::move(callable))) {
    case EventQueue<Callable>::PushResult::kPushedFirst:
      Schedule(&run_posted_);
      return absl::OkStatus();
    case EventQueue<Callable>::PushResult::kPushed:
      return absl::OkStatus();
    case EventQueue<Callable>::PushResult::kFull:
      posts_refused_.Add();
      return absl::ResourceExhaustedError(
          "EventLoop::Post: max_posted callables are waiting");
    case EventQueue<Callable>::PushResult::kClosed:
      posts_refused_.Add();
      return absl::CancelledError("EventLoop::Post: the loop has stopped");
  }
  SLUICE_CHECK(false);
}

void EventLoop::RunPosted() {
  // Runs all callables, at most max_posted, because a timer that is queued next
  // must not overtake one of them.
  posted_.Drain(std::numeric_limits<size_t>::max(),
                [](Callable&& callable) { std::move(callable)(); });
  if (!posted_.PrepareToSleep()) ScheduleLocal(&run_posted_);
}

void EventLoop::WakeIfAsleep() {
  if (sleep_flag_.TakeWake()) {
    wakes_.Add();
    poller_->Wake();
  }
}

MonotonicTime EventLoop::now() const {
  role_.Assert();
  return now_;
}

absl::Span<char> EventLoop::receive_buffer() {
  role_.Assert();
  return absl::MakeSpan(receive_buffer_.get(), receive_buffer_size_);
}

EventLoop::Stats EventLoop::stats() const {
  return {.iterations = iterations_.value(),
          .events = events_.value(),
          .timers = timers_fired_.value(),
          .tasks = tasks_run_.value(),
          .wakes = wakes_.value(),
          .spins = spins_.value(),
          .posts_refused = posts_refused_.value()};
}

}  // namespace sluice

#ifndef SLUICE_EVENT_EVENT_LOOP_H_
#define SLUICE_EVENT_EVENT_LOOP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/counter.h"
#include "sluice/base/executor.h"
#include "sluice/base/intrusive_list.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/sleep_flag.h"
#include "sluice/base/task.h"
#include "sluice/base/task_queue.h"
#include "sluice/event/event_queue.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/spin_credit.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// A callable object that the loop calls once in each iteration. Hooks of the
// same point are called in the order in which they were hooked; but a hook that
// is hooked inside OnIteration() may be called before older ones. The user owns
// the hook; Unlink() and the destructor unhook it. Loop-bound.
class IterationHook : public IntrusiveNode {
 public:
  enum class Point {
    kBeforeWait,   // last step before the wait: for deferred work
    kAfterUrgent,  // after listeners have accepted, before other targets
  };
  virtual ~IterationHook() = default;
  // Called once per iteration. Must not block. May unhook or destroy any hook,
  // this one included. A hook that is hooked for the same point during the call
  // is first called in the next iteration.
  virtual void OnIteration() = 0;
};

// One thread's reactor. It dispatches descriptors, timers and tasks in loop
// iterations. One iteration is
//
//   hooks of kBeforeWait; wait; urgent targets (listeners); hooks of
//   kAfterUrgent; other targets; tasks, and due timers among them
//
// in this order. Options bounds each part, so that no part starves another. If
// work is left over, the next wait returns at once. Within a part, targets are
// dispatched in the order in which the poller reports them, tasks in the order
// in which they were queued, and timers by tick and then by the time of arming.
//
// A timer never overtakes an event that came before the timer's deadline. A
// timer fires only after two conditions hold. First, the loop has looked at
// every descriptor, at the deadline or later, and has dispatched those that
// were ready. Second, the loop has run every task and every posted callable
// that was queued by then. So a timeout never closes a connection whose answer
// came in time, even after a long callback or a SIGSTOP. This costs the timer
// one more iteration, which does not wait.
//
// The loop does not depend on sockets and starts no thread. It owns its poller;
// it owns no descriptor, target, timer, hook or task. Sequence-bound, except
// for calls marked "Any thread.". The sequence is the thread inside Run() or
// RunOnce(). While no thread is inside them, it is the thread that sets up or
// tears down.
//
// If an exception leaves a callback, std::terminate() ends the process at the
// throw: see "Exceptions" in docs/architecture.md. In the child of a fork(), a
// loop of the parent may be destroyed but must not be run: see "fork()" there.
class EventLoop final : public Executor {
 public:
  using Callable = absl::AnyInvocable<void() &&>;

  struct Options {
    std::unique_ptr<Poller> poller = nullptr;  // required
    const Clock* clock = nullptr;  // required; the clock of the poller's world
    // The resolution of timers: a whole number of nanoseconds, at most one
    // hour.
    absl::Duration timer_tick = absl::Milliseconds(1);
    size_t receive_buffer_size = 64 * 1024;  // 1 to 2^30 bytes
    // The most posted callables that wait: 1 to 2^20. Rounded up to a power of
    // two, and 1 to 2.
    size_t max_posted = 4096;
    size_t max_tasks_per_iteration = 1024;   // at least 1
    size_t max_timers_per_iteration = 1024;  // at least 1
    // The most polls for new tasks before a sleep, about 10 ns each. Polling
    // saves a wake-up from another CPU; 1000 polls are enough for that.
    // Descriptors and timers wait during the polls. Polling does not help if
    // the other thread needs this CPU: it is switched off while it does not
    // help, and retried once in 1024 sleeps.
    size_t max_spins = 0;
  };
  // Returns kInvalidArgument if an option is missing or out of bounds; the
  // message names the option and its bounds.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(Options options);

  // Calls Abandon() on tasks that are still queued, destroys posted callables,
  // and disarms timers. In the child of a fork(), calls no task. REQUIRES: not
  // running; no target is registered; no thread is inside a call.
  ~EventLoop() override;
  // Destroys the loop and frees its memory. In the child of a fork(), if a
  // thread of the parent was inside Run() or RunOnce() at the fork(), does
  // neither: the loop stays in memory as it is.
  static void operator delete(EventLoop* loop, std::destroying_delete_t);

  // Runs loop iterations until Stop(), and then a last one, which only runs the
  // tasks queued by then: it calls no hooks, targets, timers or posted
  // callables. If a task is queued after that, its Abandon() is called, in this
  // call or in the destructor. Posted callables that did not run are destroyed.
  // Returns OK after Stop(). If the poller fails, returns the poller's error,
  // after the same last iteration. REQUIRES: not running; called at most once;
  // not in a child of the process in which the loop was made.
  absl::Status Run();

  // Runs one iteration that waits for at most `max_wait`. If a timer reaches
  // its deadline during the wait, runs a second iteration, without a wait,
  // which fires the timer. Does not wait after Stop(). For tests, simulators
  // and programs that own the thread. Returns the poller's error. REQUIRES: not
  // running; Run() was not called.
  absl::Status RunOnce(absl::Duration max_wait);

  // Runs the first half of an iteration, up to the wait, and returns how long
  // the poller may wait: at most `max_wait`. For simulators, which run other
  // loops while this loop waits. If the result is more than 0, the loop counts
  // as asleep until EndIteration(), and a thread that schedules a task wakes
  // the poller. REQUIRES: as RunOnce(); EndIteration() was called after the
  // last BeginIteration().
  absl::Duration BeginIteration(absl::Duration max_wait);
  // Runs the second half of the iteration. `events` is the result of
  // Poller::Wait(). A timer that reached its deadline during the wait fires in
  // the next iteration. Returns the poller's error. REQUIRES: BeginIteration()
  // was called.
  absl::Status EndIteration(
      const absl::StatusOr<absl::Span<const IoEvent>>& events);

  // Any thread. Makes Run() return after the current iteration and the last
  // one. If Stop() is called before Run(), Run() runs the last iteration only.
  void Stop();
  // Any thread. Returns true if Stop() was called.
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  struct AddOptions {
    AddHint hint = AddHint::kNone;
    bool urgent = false;  // dispatched before targets that are not urgent
  };
  // Registers `target` for `fd` until Remove(). Events are dispatched from the
  // next wait on. Returns the errors of Poller::Add(); after an error, `target`
  // is not registered. REQUIRES: `target` is not registered.
  absl::Status Add(IoTarget* target, int fd, IoEvents interest,
                   AddOptions options);
  absl::Status Add(IoTarget* target, int fd, IoEvents interest) {
    return Add(target, fd, interest, AddOptions{});
  }
  // Replaces the interest. Returns the errors of Poller::Modify(); after an
  // error, `target` may get no events, and stays registered until Remove().
  // REQUIRES: `target` is registered.
  absl::Status SetInterest(IoTarget* target, IoEvents interest);
  // Ends the registration. Events that were already fetched for `target` are
  // dropped. Does nothing if `target` is not registered. REQUIRES: the
  // descriptor is not closed yet.
  void Remove(IoTarget* target);

  // Arms `timer` for `delay` from now. The timer never fires early. It fires at
  // most one tick late, plus the time that the loop was busy. Reads the clock.
  void Arm(Timer* timer, absl::Duration delay);
  // Returns the timer wheel. A caller that arms many timers at once can use it
  // with now(), which does not read the clock.
  TimerWheel* timers();

  // Calls `hook` until it is unlinked or destroyed. REQUIRES: not hooked.
  void Hook(IterationHook::Point point, IterationHook* hook);

  // Any thread. Runs `task` on the loop, in this iteration or in the next, or
  // later if more than max_tasks_per_iteration are queued; never inside this
  // call. Wakes the loop if it sleeps. Tasks that one thread schedules, here or
  // by ScheduleLocal(), run in the order of its calls. After Run() has
  // returned, `task` waits for the destructor, which calls Abandon(). Returns
  // false, and does nothing, if `task` is already queued.
  bool Schedule(Task* task) override;
  // Does the same as Schedule(), from the loop itself. Cheaper: does not check
  // whether the loop sleeps.
  bool ScheduleLocal(Task* task);
  // Removes `task` from the queue, however it was scheduled: neither Run() nor
  // Abandon() is called. Does nothing if `task` is not queued. Takes O(1), plus
  // the number of tasks that other threads have just scheduled. REQUIRES:
  // `task` is not queued on another executor; no thread schedules `task` during
  // this call.
  void Cancel(Task* task);

  // Any thread. Runs `callable` once on the loop, as a task: never inside this
  // call. Then destroys it. Callables that one thread posts run in the order of
  // its calls. Returns kResourceExhausted if Options::max_posted callables are
  // waiting, and kCancelled once the last iteration of Run() has begun; after
  // an error, `callable` is untouched.
  absl::Status Post(Callable&& callable);

  // Returns the time at which the last wait ended, or at which the last
  // iteration of Run() began. The value does not change between two waits.
  MonotonicTime now() const;
  // Any thread.
  const Clock& clock() const { return *clock_; }
  // Returns memory for one read, of Options::receive_buffer_size bytes. Each
  // call returns the same memory. The caller must not use it after the caller
  // has returned to the loop.
  absl::Span<char> receive_buffer();
  const SequenceRole& role() const ABSL_LOCK_RETURNED(role_) { return role_; }
  // Any thread. Returns true in the child of a fork(), if the parent made the
  // loop. Costs a system call.
  bool forked() const { return !owner_.IsCurrent(); }

  struct Stats {
    uint64_t iterations = 0;
    uint64_t events = 0;  // dispatched
    uint64_t timers = 0;  // fired
    uint64_t tasks = 0;   // run; callables drained together count as one
    uint64_t wakes = 0;   // waits ended by another thread
    uint64_t spins = 0;   // rounds of Options::max_spins polls before a wait
    uint64_t posts_refused = 0;
  };
  // Any thread. Returns the counters. Each counter by itself is exact.
  Stats stats() const;

 private:
  struct Slot {
    IoTarget* target = nullptr;
    uint32_t generation = 0;  // of the registration, modulo 2^24
    uint32_t kind : 1 = 0;    // of the token
    // In a used slot, the number of the last look that saw an event of this
    // slot; 0 means none. In an unused slot, the index of the next unused slot.
    uint32_t look : 31 = 0;
  };
  static constexpr uint32_t kNoSlot = IoTarget::kNoSlot;
  static constexpr uint32_t kMaxSlots = (1u << 31) - 1;

  // A token has three parts, from the top: slot (32 bits), generation (24),
  // kind (8). Generations need to differ only among the events of one Wait():
  // after Remove(), no poller reports the registration in a later Wait().
  static constexpr uint32_t kNormal = 0;
  static constexpr uint32_t kUrgent = 1;

  explicit EventLoop(Options options);

  absl::Status RunIteration(absl::Duration max_wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // Runs the part of an iteration after the wait.
  absl::Status Serve(const absl::StatusOr<absl::Span<const IoEvent>>& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  absl::Duration TimeToWait(absl::Duration max_wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void Dispatch(absl::Span<const IoEvent> events, uint32_t kind)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void RunHooks(IntrusiveList<IterationHook>* hooks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // Records which descriptors the last wait has looked at.
  void NoteLook(absl::Span<const IoEvent> events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void FireTimers();
  void RunTasks(size_t limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void AbandonTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // Does AbandonTasks() in the child of a fork(), where it calls no task.
  void DropTasks();
  bool SpinForTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void RunPosted();
  void WakeIfAsleep();

  const OwnerProcess owner_;
  const std::unique_ptr<Poller> poller_;
  const Clock* const clock_;
  const size_t receive_buffer_size_;
  const size_t max_tasks_per_iteration_;
  const size_t max_timers_per_iteration_;
  const size_t max_spins_;

  SequenceRole role_;
  MonotonicTime now_ ABSL_GUARDED_BY(role_);
  // A time before the last wait began. At that time, the first timer was due no
  // earlier than next_deadline_.
  MonotonicTime wait_began_ ABSL_GUARDED_BY(role_);
  MonotonicTime next_deadline_ ABSL_GUARDED_BY(role_);
  // A time such that a wait that began at it or later has looked at every
  // descriptor.
  MonotonicTime looked_at_ ABSL_GUARDED_BY(role_);
  // If one wait leaves out descriptors, a look at every descriptor takes
  // several waits. These are the time when the first of them began, and the
  // number of this look, counted from 1.
  std::optional<MonotonicTime> look_began_ ABSL_GUARDED_BY(role_);
  uint32_t look_ ABSL_GUARDED_BY(role_) = 0;
  TimerWheel timers_ ABSL_GUARDED_BY(role_);
  std::vector<Slot> slots_ ABSL_GUARDED_BY(role_);
  uint32_t first_free_slot_ ABSL_GUARDED_BY(role_) = kMaxSlots;
  size_t urgent_targets_ ABSL_GUARDED_BY(role_) = 0;
  IntrusiveList<IterationHook> before_wait_ ABSL_GUARDED_BY(role_);
  IntrusiveList<IterationHook> after_urgent_ ABSL_GUARDED_BY(role_);
  const std::unique_ptr<char[]> receive_buffer_;
  SpinCredit spin_credit_ ABSL_GUARDED_BY(role_);

  TaskQueue tasks_;  // consumed by this sequence
  EventQueue<Callable> posted_;
  // Queued while posted_ holds a callable that no run of this task has seen.
  MemberTask<&EventLoop::RunPosted> run_posted_{this};
  // Queued when a timer may be due. It fires timers that are due by
  // fire_until_.
  MemberTask<&EventLoop::FireTimers> fire_timers_{this};
  MonotonicTime fire_until_ ABSL_GUARDED_BY(role_);

  std::atomic<bool> stop_{false};
  // Set while the loop may be blocked in the poller. The work is tasks_ and
  // stop_.
  SleepFlag sleep_flag_;

  // Written on the sequence, except for the last two.
  Counter iterations_;
  Counter events_;
  Counter timers_fired_;
  Counter tasks_run_;
  Counter spins_;
  Counter wakes_;
  Counter posts_refused_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_EVENT_LOOP_H_

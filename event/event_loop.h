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
#include "sluice/base/executor.h"
#include "sluice/base/intrusive_list.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/sleep_flag.h"
#include "sluice/base/task.h"
#include "sluice/base/task_queue.h"
#include "sluice/event/event_queue.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller.h"
#include "sluice/event/spin_credit.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// Called once per turn, those of one point in the order hooked. Owned by its
// user; destruction unhooks. Loop-bound.
class IterationHook : public IntrusiveNode {
 public:
  enum class Point {
    kBeforeWait,   // the turn's last word: what was put off is done here
    kAfterUrgent,  // listeners have accepted; nobody has been served yet
  };
  virtual ~IterationHook() = default;
  // Must not block. May unhook or destroy any hook.
  virtual void OnIteration() = 0;
};

// One thread's reactor: descriptors, timers and tasks, in turns. A turn is
//
//   hooks of kBeforeWait; wait; urgent targets (listeners); hooks of
//   kAfterUrgent; other targets; tasks, and due timers among them
//
// in this order, each part bounded by Options, so that none starves another.
// Work that is left over makes the next wait return at once. Order within a
// part: targets as the poller reports them, tasks as queued, timers by tick and
// then by arming.
//
// A timer never overtakes an event that came before its deadline. It fires only
// when the loop has, at the deadline or later, looked at every descriptor and
// dispatched those that were ready, and has run every task and every posted
// callable that was queued by then. So a timeout ends nobody whose answer came
// in time, even after a long callback or a SIGSTOP. For the timer it costs one
// more turn, without a wait.
//
// Knows no sockets and starts no thread. Sequence-bound, save what says "Any
// thread."; the sequence is the thread that is inside Run() or RunOnce(), and
// while none is, whoever sets up or tears down. Owns its poller; owns no
// descriptor, target, timer, hook or task.
//
// An exception that leaves a callback ends the process by std::terminate() at
// the throw: docs/architecture.md, "Exceptions". In the child of a fork() a
// loop of the parent may be destroyed and not be run: "fork()" there.
class EventLoop final : public Executor {
 public:
  using Callable = absl::AnyInvocable<void() &&>;

  struct Options {
    std::unique_ptr<Poller> poller = nullptr;  // required
    const Clock* clock = nullptr;  // required; of the poller's world
    // A whole number of nanoseconds, at most an hour.
    absl::Duration timer_tick = absl::Milliseconds(1);
    size_t receive_buffer_size = 64 * 1024;  // 1 to 2^30 bytes
    size_t max_posted = 4096;                // 1 to 2^20
    size_t max_tasks_per_iteration = 1024;   // at least 1
    size_t max_timers_per_iteration = 1024;  // at least 1
    // How often to look for what other threads schedule, some ten nanoseconds
    // each, before sleeping; descriptors and timers wait meanwhile. It takes
    // the kernel's wake-up out of the way between CPUs, 1000 being enough, and
    // is a loss where the other thread needs this CPU: while it does not help
    // it is not done, but for one sleep in 1024.
    size_t max_spins = 0;
  };
  // kInvalidArgument names the option, and says what it may be.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(Options options);

  // Tells the tasks that are still queued Abandon(); disarms timers.
  // REQUIRES: not running; no target is registered.
  ~EventLoop() override;
  // In the child of a fork() leaves a loop in memory, as it is, if a thread was
  // inside Run() or RunOnce() when the child was made.
  static void operator delete(EventLoop* loop, std::destroying_delete_t);

  // Takes turns until Stop(), and then a last one in which the tasks queued by
  // then run; what they or anyone else queues after that is told Abandon(), in
  // this call or in the destructor. Posted callables that did not run are
  // destroyed. Returns the poller's error, after the same last turn.
  // REQUIRES: not running; called at most once; not in a child of the process
  // in which the loop was made.
  absl::Status Run();

  // One turn that waits for at most `max_wait`: for tests and simulators, and
  // for those who own the thread. If a timer comes to its deadline in the wait,
  // a second turn, without a wait, fires it.
  // REQUIRES: not running; Run() was not called.
  absl::Status RunOnce(absl::Duration max_wait);

  // RunOnce() in two halves, for simulators, in which others take their turns
  // while this loop waits: from one to the other it sleeps, and who queues a
  // task wakes its poller. Returns how long its poller may wait. REQUIRES: as
  // RunOnce(); after the last BeginIteration() there was an EndIteration().
  absl::Duration BeginIteration(absl::Duration max_wait);
  // With what Poller::Wait() returned. REQUIRES: BeginIteration() was called.
  absl::Status EndIteration(
      const absl::StatusOr<absl::Span<const IoEvent>>& events);

  // Any thread. Makes Run() end after the turn under way.
  void Stop();
  // Any thread. Whether Stop() was called.
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }

  struct AddOptions {
    AddHint hint = AddHint::kNone;
    bool urgent = false;  // dispatched before all others
  };
  // Registers `target` for `fd` until Remove(); events come in later turns.
  // The errors of Poller::Add(). REQUIRES: `target` is not registered.
  absl::Status Add(IoTarget* target, int fd, IoEvents interest,
                   AddOptions options);
  absl::Status Add(IoTarget* target, int fd, IoEvents interest) {
    return Add(target, fd, interest, AddOptions{});
  }
  // The errors of Poller::Modify(). REQUIRES: `target` is registered.
  absl::Status SetInterest(IoTarget* target, IoEvents interest);
  // Events already fetched for it are dropped. No-op when not registered.
  // REQUIRES: the descriptor is not closed yet.
  void Remove(IoTarget* target);

  // Arms `timer` for `delay` from this moment: it fires never early, at most a
  // tick late plus the time that the loop was busy. Reads the clock.
  void Arm(Timer* timer, absl::Duration delay);
  // For those who arm in bulk, by now().
  TimerWheel* timers();

  // Until the hook is unlinked or destroyed. REQUIRES: not hooked.
  void Hook(IterationHook::Point point, IterationHook* hook);

  // Any thread. Runs `task` on the loop, in this iteration or in the next,
  // never inside this call; wakes the loop if it sleeps. Runs tasks in the
  // order in which one caller has scheduled them, here or by ScheduleLocal().
  bool Schedule(Task* task) override;
  // Schedule() from the loop itself: does not look whether the loop sleeps.
  bool ScheduleLocal(Task* task);
  // Takes `task` back, however scheduled; no-op when it is not queued. O(1)
  // plus what other threads just scheduled.
  // REQUIRES: nobody schedules it meanwhile.
  void Cancel(Task* task);

  // Any thread. Runs `callable` on the loop, in the order of one caller's
  // posts. kResourceExhausted when Options::max_posted wait; kCancelled once
  // the loop has stopped: `callable` is then untouched.
  absl::Status Post(Callable&& callable);

  // When this turn's wait ended: the same throughout a turn.
  MonotonicTime now() const;
  // Any thread.
  const Clock& clock() const { return *clock_; }
  // Memory for one read: valid until the caller returns to the loop.
  absl::Span<char> receive_buffer();
  const SequenceRole& role() const ABSL_LOCK_RETURNED(role_) { return role_; }
  // Any thread. Whether this is the child of a fork(), and the loop its
  // parent's. A system call.
  bool forked() const { return !owner_.IsCurrent(); }

  struct Stats {
    uint64_t iterations = 0;
    uint64_t events = 0;  // dispatched
    uint64_t timers = 0;  // fired
    uint64_t tasks = 0;   // run; all posts drained at once are one
    uint64_t wakes = 0;   // waits ended by another thread
    uint64_t spins = 0;   // before a wait; Options::max_spins each
    uint64_t posts_refused = 0;
  };
  // Any thread. Each counter by itself is exact.
  Stats stats() const;

 private:
  struct Slot {
    IoTarget* target = nullptr;
    uint32_t generation = 0;  // of the registration, modulo 2^24
    uint32_t kind : 1 = 0;    // of the token
    // The number of the look that has last seen an event of it; 0: none. Of an
    // unused slot: the next unused one.
    uint32_t look : 31 = 0;
  };
  static constexpr uint32_t kNoSlot = IoTarget::kNoSlot;
  static constexpr uint32_t kMaxSlots = (1u << 31) - 1;

  // What a token says, from the top: slot (32 bits), generation (24), kind (8).
  // A generation need tell apart only what one Wait() can hold: afterwards no
  // poller reports a registration that was removed.
  static constexpr uint32_t kNormal = 0;
  static constexpr uint32_t kUrgent = 1;
  static uint64_t MakeToken(uint32_t slot, uint32_t generation, uint32_t kind);

  explicit EventLoop(Options options);

  absl::Status RunIteration(absl::Duration max_wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // What comes after the wait.
  absl::Status Serve(const absl::StatusOr<absl::Span<const IoEvent>>& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  absl::Duration TimeToWait(absl::Duration max_wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void Dispatch(absl::Span<const IoEvent> events, uint32_t kind)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void RunHooks(IntrusiveList<IterationHook>* hooks)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // Notes what the last wait has looked at.
  void NoteLook(absl::Span<const IoEvent> events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void FireTimers();
  void RunTasks(size_t limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  void AbandonTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_);
  // What AbandonTasks() is in the child of a fork(): calls nothing.
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
  // The last wait did not begin before this time. The first timer was not due
  // before this deadline then.
  MonotonicTime wait_began_ ABSL_GUARDED_BY(role_);
  MonotonicTime next_deadline_ ABSL_GUARDED_BY(role_);
  // Every descriptor was looked at, by a wait that began at this time or later.
  MonotonicTime looked_at_ ABSL_GUARDED_BY(role_);
  // A look at every descriptor that takes several waits, since each leaves out
  // some: when the first of them began, and the number of this look, from 1 on.
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

  TaskQueue tasks_;  // its consumer is this sequence
  EventQueue<Callable> posted_;
  // Queued when posted_ has something that no run of it has seen.
  MemberTask<&EventLoop::RunPosted> run_posted_{this};
  // Queued when a timer may fire; and the time up to which timers may.
  MemberTask<&EventLoop::FireTimers> fire_timers_{this};
  MonotonicTime fire_until_ ABSL_GUARDED_BY(role_);

  std::atomic<bool> stop_{false};
  // Set while the loop may be blocked in the poller. The work is tasks_ and
  // stop_.
  SleepFlag sleep_flag_;

  // Written on the sequence, save the last two.
  std::atomic<uint64_t> iterations_{0};
  std::atomic<uint64_t> events_{0};
  std::atomic<uint64_t> timers_fired_{0};
  std::atomic<uint64_t> tasks_run_{0};
  std::atomic<uint64_t> spins_{0};
  std::atomic<uint64_t> wakes_{0};
  std::atomic<uint64_t> posts_refused_{0};
};

}  // namespace sluice

#endif  // SLUICE_EVENT_EVENT_LOOP_H_

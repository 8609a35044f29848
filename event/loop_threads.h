#ifndef SLUICE_EVENT_LOOP_THREADS_H_
#define SLUICE_EVENT_LOOP_THREADS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sluice/base/mutex.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/thread.h"
#include "sluice/event/event_loop.h"

namespace sluice {

// A set of event loops, each on a thread of its own. Owns the loops and the
// threads, and no servers. In main(): call Create(), give loops() to servers,
// and call Start() and Join(). A simulation needs no LoopThreads: it steps its
// loops itself. Thread-compatible, except for Stop(). REQUIRES: used by a
// thread that is on none of the loops.
//
// If the poller of one loop fails, all loops stop: otherwise objects that are
// bound to the dead loop would wait and never get an answer.
class LoopThreads {
 public:
  struct Options {
    // At most 1024. 0: one for each CPU that the thread of Create() may use.
    int num_loops = 0;
    // The threads are named "loop/0" and so on, truncated to 15 bytes.
    std::string name = "loop";
  };
  // Calls `new_loop` for each loop, in order, inside this call. Starts no
  // thread yet. The caller can set up servers on the loops, as on any loop that
  // is not running. Returns kInvalidArgument if an option is out of bounds, or
  // the error of `new_loop`.
  static absl::StatusOr<std::unique_ptr<LoopThreads>> Create(
      Options options,
      absl::FunctionRef<absl::StatusOr<std::unique_ptr<EventLoop>>()> new_loop);

  // If the threads run and Join() was not called, calls Stop() and joins them,
  // as Join() does. Then destroys the loops. In the child of a fork(), neither
  // stops nor joins. REQUIRES: objects that were set up on the loops are gone,
  // as for any loop.
  ~LoopThreads();
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;

  // Returns the loops, which live as long as this object.
  absl::Span<EventLoop* const> loops() const { return loop_pointers_; }

  // Starts the threads, each of which runs its loop. If `done` is not null, it
  // is called once, on the thread of the last loop to end, after that loop has
  // ended. `done` gets OK, or the error of the loop that failed first, which
  // names the loop. If a thread cannot be created, no loop runs, `done` is not
  // called, and the error of Thread::Start() is returned. REQUIRES: called
  // once.
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  absl::Status Start(Done done = nullptr) ABSL_LOCKS_EXCLUDED(mutex_);

  // Any thread, including those of the loops. Makes each loop stop: see
  // EventLoop::Stop(). If Start() is called later, each loop runs its last
  // iteration only.
  void Stop();

  // Blocks until the threads have ended and `done` has returned. Returns the
  // status that `done` got. CHECKs that the caller is not on a loop, strand or
  // worker. REQUIRES: Start() returned OK; called once.
  absl::Status Join() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Signal { kWait, kRun, kQuit };

  explicit LoopThreads(Options options) : options_(std::move(options)) {}

  std::string NameOf(size_t index) const;
  void Run(size_t index) ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until Send(). Returns false if a later thread could not be created.
  bool AwaitSignal() ABSL_LOCKS_EXCLUDED(mutex_);
  void Send(Signal signal) ABSL_LOCKS_EXCLUDED(mutex_);
  void JoinThreads();

  const OwnerProcess owner_;
  const Options options_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<EventLoop*> loop_pointers_;
  std::vector<Thread> threads_;

  Mutex mutex_;
  CondVar changed_;
  Signal signal_ ABSL_GUARDED_BY(mutex_) = Signal::kWait;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status first_error_ ABSL_GUARDED_BY(mutex_);
  Done done_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_EVENT_LOOP_THREADS_H_

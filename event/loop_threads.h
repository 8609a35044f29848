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

// Loops, each on a thread of its own. Owns both, and lives in main(): Create(),
// give loops() to servers, Start(), Join(). Knows nothing of servers. A
// simulation does without it, and steps its loops itself. Thread-compatible,
// save Stop(); used by a thread that is on none of the loops.
//
// Fails as a whole: a loop whose poller gives up stops the others too, since
// what is bound to a dead loop would wait for ever.
class LoopThreads {
 public:
  struct Options {
    // At most 1024; 0: one for each CPU that Create()'s thread may use.
    int num_loops = 0;
    std::string name = "loop";  // threads are "loop/0", ...; cut to 15 bytes
  };
  // Makes the loops, in order; no thread yet: what is to serve on them can be
  // set up, as on any loop that is not running. kInvalidArgument, or the error
  // of `new_loop`.
  static absl::StatusOr<std::unique_ptr<LoopThreads>> Create(
      Options options,
      absl::FunctionRef<absl::StatusOr<std::unique_ptr<EventLoop>>()> new_loop);

  // Stops and joins, if that was not done; then destroys the loops. What was
  // set up on them has to be gone, as for any loop. In the child of a fork()
  // neither stops nor joins.
  ~LoopThreads();
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;

  // They live as long as this object.
  absl::Span<EventLoop* const> loops() const { return loop_pointers_; }

  // Runs every loop. `done`, if it is not null, is called once: on the last
  // loop's thread after that loop has ended, with the error of the first that
  // failed, which names it. When a thread cannot be had no loop runs, `done` is
  // not called, and the error of Thread::Start() is returned.
  // REQUIRES: called once.
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  absl::Status Start(Done done = nullptr) ABSL_LOCKS_EXCLUDED(mutex_);

  // Any thread, a loop of its own too. Has every loop end after the turn that
  // it is in. Before Start(): they end after their last turn.
  void Stop();

  // Blocks until the threads have ended; what `done` is told. CHECKs that it is
  // on no loop, strand or worker. REQUIRES: after Start(); called once.
  absl::Status Join() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Signal { kWait, kRun, kQuit };

  explicit LoopThreads(Options options) : options_(std::move(options)) {}

  std::string NameOf(size_t index) const;
  void Run(size_t index) ABSL_LOCKS_EXCLUDED(mutex_);
  // False: a later thread could not be had.
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

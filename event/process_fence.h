#ifndef SLUICE_EVENT_PROCESS_FENCE_H_
#define SLUICE_EVENT_PROCESS_FENCE_H_

namespace sluice {

// A full memory fence in every running thread of this process, executed by one
// of them: membarrier(2). Where one side of a protocol acts all the time and
// the other rarely, the rare side pays for both: between a store and a load the
// other needs no more than std::atomic_signal_fence(seq_cst). Thread-safe.
class ProcessFence {
 public:
  // Tells the kernel, which takes some milliseconds if other threads run and it
  // is the first one of the process, and a system call otherwise.
  ProcessFence();

  // Microseconds. False, having done nothing, where the kernel has no such
  // thing (before Linux 4.14) or a filter forbids it. Keeps errno.
  [[nodiscard]] bool Execute() const;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_PROCESS_FENCE_H_

#ifndef SLUICE_EVENT_PROCESS_FENCE_H_
#define SLUICE_EVENT_PROCESS_FENCE_H_

namespace sluice {

// A full memory fence that one thread executes in every running thread of this
// process, by membarrier(2). In a protocol with a frequent side and a rare
// side, the rare side pays for both: between a store and a load, the frequent
// side needs only std::atomic_signal_fence(seq_cst). Thread-safe.
class ProcessFence {
 public:
  // Registers the process with the kernel. This is one system call. It takes
  // some milliseconds if it is the first one of the process and other threads
  // run.
  ProcessFence();

  // Executes the fence, in some microseconds. Returns false, and does nothing,
  // if the kernel has no membarrier(2) (before Linux 4.14) or a seccomp filter
  // forbids it. Keeps errno.
  [[nodiscard]] bool Execute() const;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_PROCESS_FENCE_H_

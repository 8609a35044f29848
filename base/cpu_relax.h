#ifndef SLUICE_BASE_CPU_RELAX_H_
#define SLUICE_BASE_CPU_RELAX_H_

namespace sluice {

// Leaves the resources of the core to the other thread that shares it, for
// about ten nanoseconds. Call it in the body of a loop that waits until another
// CPU writes something. Does nothing on CPUs other than x86 and AArch64.
inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace sluice

#endif  // SLUICE_BASE_CPU_RELAX_H_

#ifndef SLUICE_BASE_CPU_RELAX_H_
#define SLUICE_BASE_CPU_RELAX_H_

namespace sluice {

// For the body of a loop that waits for another CPU to write something: leaves
// the core's resources to whoever shares it. Some ten nanoseconds.
inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace sluice

#endif  // SLUICE_BASE_CPU_RELAX_H_

#ifndef SLUICE_NET_SIM_SIM_LAST_WORDS_H_
#define SLUICE_NET_SIM_SIM_LAST_WORDS_H_

#include <signal.h>

#include <array>
#include <string>
#include <utility>

namespace sluice {

// What a process says before it dies (testonly). While one of these lives, its
// text is written to standard error
//
//   by a signal: SIGABRT (abort(), a SLUICE_CHECK that fails), SIGBUS, SIGFPE,
//   SIGILL, SIGSEGV, and SIGTERM, which ends what takes too long. Then the
//   signal does what it did before;
//   by a finding of asan or tsan;
//   by an exception that destroys it.
//
// Not by the overflow of a stack, nor by SIGKILL and _exit(). Signals that are
// ignored stay ignored.
//
// The state of the whole process is changed, because signals have no other:
// for tests, whose main() is another's. Thread-compatible.
class SimLastWords {
 public:
  // REQUIRES: there is no other one.
  SimLastWords();
  SimLastWords(const SimLastWords&) = delete;
  SimLastWords& operator=(const SimLastWords&) = delete;
  // All is as it was.
  ~SimLastWords();

  void SetText(std::string text) { text_ = std::move(text); }
  // Is written first, as it is then. nullptr: nothing is.
  void SetTrace(const std::string* trace) { trace_ = trace; }

 private:
  static constexpr std::array kSignals = {SIGABRT, SIGBUS,  SIGFPE,
                                          SIGILL,  SIGSEGV, SIGTERM};

  static void OnSignal(int signal, siginfo_t* info, void* context);
  static void OnDeath();
  void Restore();
  void Say() const;

  std::array<struct sigaction, kSignals.size()> before_;
  std::string text_;
  const std::string* trace_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_LAST_WORDS_H_

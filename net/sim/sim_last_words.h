#ifndef SLUICE_NET_SIM_SIM_LAST_WORDS_H_
#define SLUICE_NET_SIM_SIM_LAST_WORDS_H_

#include <signal.h>

#include <array>
#include <string>
#include <utility>

namespace sluice {

// A text that a process writes to standard error before it dies (testonly).
// While an object of this class lives, the text is written
//
//   on a signal: SIGABRT (abort(), a SLUICE_CHECK that fails), SIGBUS, SIGFPE,
//   SIGILL, SIGSEGV, and SIGTERM, which ends tests that take too long; then the
//   signal does what it did before;
//   on a finding of asan or tsan;
//   on an exception that destroys the object.
//
// It is not written on a stack overflow, on SIGKILL or by _exit(). Ignored
// signals stay ignored.
//
// The class changes the signal handlers of the whole process. It is for tests,
// whose main() belongs to googletest. Thread-compatible.
class SimLastWords {
 public:
  // REQUIRES: no other object of this class lives.
  SimLastWords();
  SimLastWords(const SimLastWords&) = delete;
  SimLastWords& operator=(const SimLastWords&) = delete;
  // Restores the signal handlers.
  ~SimLastWords();

  void SetText(std::string text) { text_ = std::move(text); }
  // Sets a string that is written before the text, with its contents at that
  // time; nullptr: none. `trace` must live until the next SetTrace() or the end
  // of this object.
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

#include "sluice/net/sim/sim_last_words.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <exception>

#include "absl/base/config.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#define SLUICE_ON_DEATH(function) __sanitizer_set_death_callback(function)
#else
#define SLUICE_ON_DEATH(function) (void)(function)
#endif

namespace sluice {
namespace {

// The object for signal handlers, which have no other way to find it. Null
// after it has written its text.
constinit std::atomic<SimLastWords*> living{nullptr};

// Writes as much as possible: no caller could handle an error.
void WriteAll(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

SimLastWords::SimLastWords() {
  SLUICE_CHECK(living.exchange(this) == nullptr);
  struct sigaction ours = {};
  ours.sa_sigaction = &OnSignal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    SLUICE_CHECK(sigaction(kSignals[i], nullptr, &before_[i]) == 0);
    if (before_[i].sa_handler == SIG_IGN) continue;
    SLUICE_CHECK(sigaction(kSignals[i], &ours, nullptr) == 0);
  }
  SLUICE_ON_DEATH(&OnDeath);
}

SimLastWords::~SimLastWords() {
  if (std::uncaught_exceptions() > 0) Say();
  Restore();
  living.store(nullptr);
}

void SimLastWords::OnSignal(int signal, siginfo_t* info, void*) {
  const int errno_before = errno;
  SimLastWords* const self = living.exchange(nullptr);
  if (self != nullptr) {
    self->Restore();
    self->Say();
  }
  // A signal of the kernel's comes again by itself, at the same instruction.
  if (info->si_code <= 0) raise(signal);
  errno = errno_before;
}

void SimLastWords::OnDeath() {
  const SimLastWords* const self = living.exchange(nullptr);
  if (self != nullptr) self->Say();
}

void SimLastWords::Restore() {
  SLUICE_ON_DEATH(nullptr);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &before_[i], nullptr);
  }
}

void SimLastWords::Say() const {
  if (trace_ != nullptr) WriteAll(*trace_);
  WriteAll(text_);
}

}  // namespace sluice

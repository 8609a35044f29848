#include "sluice/tests/fault_injection/fault_runner.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/open_descriptors.h"
#include "sluice/tests/fault_injection/call_faults.h"

// Defined only under sanitizers that look for leaks.
extern "C" int __lsan_do_recoverable_leak_check() __attribute__((weak));

namespace sluice {
namespace {

constexpr int kMaxKinds = 64;

// The exit codes of a child.
constexpr int kReturned = 0;
constexpr int kTerminated = 40;

// How a child's scenario ended, in memory that its parent sees.
struct Outcome {
  bool ok = false;
  bool terminated = false;  // after a failed allocation, which is allowed
  bool reached = false;
  bool left_descriptor = false;
  bool leaked = false;
  int counts[kMaxKinds] = {};
  char status[256] = {};

  int system_calls() const {
    int sum = 0;
    for (size_t kind = 0; kind < CallKinds().size(); ++kind) {
      if (CallKinds()[kind].name != kAllocation) sum += counts[kind];
    }
    return sum;
  }
};

[[noreturn]] void RunChild(absl::FunctionRef<absl::Status()> scenario,
                           const CallFault* fault, absl::Duration deadline,
                           Outcome* outcome) {
  std::set_terminate([] { _exit(CallHasFailed() ? kTerminated : 1); });
  const itimerval limit = {{}, absl::ToTimeval(deadline)};
  SLUICE_CHECK(setitimer(ITIMER_REAL, &limit, nullptr) == 0);
  const std::vector<int> before = OpenDescriptors().value();
  std::thread([&] {
    BeginCalls(fault);
    const absl::Status status = scenario();
    EndCalls();
    outcome->ok = status.ok();
    std::snprintf(outcome->status, sizeof(outcome->status), "%s",
                  status.ToString().c_str());
  }).join();
  outcome->reached = CallHasFailed();
  const std::vector<int> counts = CallCounts();
  SLUICE_CHECK(counts.size() <= kMaxKinds);
  std::copy(counts.begin(), counts.end(), outcome->counts);
  outcome->left_descriptor = OpenDescriptors().value() != before;
  outcome->leaked = __lsan_do_recoverable_leak_check != nullptr &&
                    __lsan_do_recoverable_leak_check() != 0;
  std::fflush(nullptr);
  _exit(kReturned);
}

// Returns the reason why a run failed; empty if it passed.
std::string WhyBad(int wait_status, const Outcome& outcome, int usual_calls,
                   absl::Duration deadline) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    if (signal == SIGALRM) {
      return absl::StrCat("did not end within ",
                          absl::FormatDuration(deadline));
    }
    return absl::StrCat("ended by signal ", signal);
  }
  if (WEXITSTATUS(wait_status) != kReturned) {
    return absl::StrCat("exited with ", WEXITSTATUS(wait_status));
  }
  if (outcome.left_descriptor) return "left a descriptor";
  if (outcome.leaked) return "leaked memory";
  if (outcome.system_calls() > 10 * usual_calls + 1000) {
    return absl::StrCat("spun: ", outcome.system_calls(), " calls");
  }
  return "";
}

// Returns true if callers should retry the call after this error. EAGAIN of
// connect(2) and pthread_create(3) is not such an error: there is no room.
bool IsTriedAgain(const CallFault& fault) {
  const absl::string_view call = CallKinds()[fault.kind].name;
  return (fault.error == EAGAIN || fault.error == EINTR ||
          fault.error == kShortCount) &&
         call != "connect" && call != "pthread_create";
}

class Runner {
 public:
  Runner(absl::FunctionRef<absl::Status()> scenario, FaultOptions options)
      : scenario_(scenario), options_(options) {
    void* const memory =
        mmap(nullptr, sizeof(Outcome), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
    SLUICE_CHECK(memory != MAP_FAILED);
    outcome_ = new (memory) Outcome;
  }
  ~Runner() { munmap(outcome_, sizeof(Outcome)); }

  FaultReport Run() {
    std::string why = Try(nullptr, /*usual_calls=*/1 << 20);
    if (why.empty() && !outcome_->ok) why = outcome_->status;
    if (!why.empty()) {
      report_.failures.push_back(absl::StrCat("no fault: ", why));
      return report_;
    }
    const Outcome usual = *outcome_;
    report_.calls = usual.system_calls();
    const absl::Span<const CallKind> kinds = CallKinds();
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      const bool allocates = kinds[kind].name == kAllocation;
      if (allocates != (options_.what == FaultOptions::What::kAllocations)) {
        continue;
      }
      const int count = usual.counts[kind];
      const int tries = std::min(count, options_.max_calls_per_kind);
      for (int i = 0; i < tries; ++i) {
        for (const int error : kinds[kind].errors) {
          TryPoint({kind, 1 + i * count / tries, error, options_.in_a_row});
        }
      }
    }
    return report_;
  }

 private:
  void TryPoint(const CallFault& fault) {
    const std::string name = ToString(fault);
    const char* const only = std::getenv("SLUICE_FAULT");
    if (only != nullptr && name != only) return;
    ++report_.points;
    const std::string why = Try(&fault, report_.calls);
    if (!why.empty()) {
      report_.failures.push_back(absl::StrCat(name, ": ", why));
      return;
    }
    if (only != nullptr) {
      std::fprintf(stderr, "%s: %s\n", only, outcome_->status);
    }
    if (outcome_->terminated) {
      ++report_.reached;
      ++report_.aborted;
    } else if (outcome_->reached) {
      ++report_.reached;
      ++(outcome_->ok ? report_.served : report_.reported);
      if (!outcome_->ok && IsTriedAgain(fault)) report_.gave_up.push_back(name);
    }
  }

  std::string Try(const CallFault* fault, int usual_calls) {
    *outcome_ = Outcome{};
    std::fflush(nullptr);
    const pid_t child = fork();
    SLUICE_CHECK(child >= 0);
    if (child == 0) RunChild(scenario_, fault, options_.deadline, outcome_);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) SLUICE_CHECK(errno == EINTR);
    outcome_->terminated = options_.what == FaultOptions::What::kAllocations &&
                           WIFEXITED(status) &&
                           WEXITSTATUS(status) == kTerminated;
    if (outcome_->terminated) return "";
    return WhyBad(status, *outcome_, usual_calls, options_.deadline);
  }

  const absl::FunctionRef<absl::Status()> scenario_;
  const FaultOptions options_;
  Outcome* outcome_;
  FaultReport report_;
};

}  // namespace

std::string FaultReport::Summary() const {
  return absl::StrCat(calls, " calls, ", points, " points, ", reached,
                      " reached: ", served, " in full service, ", reported,
                      " reported by a Status, ", aborted, " aborted, ",
                      failures.size(), " failed");
}

FaultReport RunWithFaults(absl::FunctionRef<absl::Status()> scenario,
                          FaultOptions options) {
  return Runner(scenario, options).Run();
}

}  // namespace sluice

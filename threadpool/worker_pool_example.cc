// Runs work that takes time on the threads of a pool, and adds up the results.
// The sum needs no lock, because a strand guards it.

#include <cstdio>
#include <cstdlib>

#include "absl/time/time.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/base/strand.h"
#include "sluice/base/task.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"

namespace {

// Counts the primes in a range. Scheduling a task allocates nothing and cannot
// fail.
class CountPrimes final : public sluice::Task {
 public:
  void Set(int begin, int end, sluice::Strand* strand, int* total) {
    begin_ = begin;
    end_ = end;
    add_.Set(strand, total);
  }
  void Run() override {
    int primes = 0;
    for (int i = begin_; i < end_; ++i) primes += IsPrime(i) ? 1 : 0;
    add_.Schedule(primes);
  }
  void Abandon() override {}

 private:
  // Adds to the total, on the strand.
  class Add final : public sluice::Task {
   public:
    void Set(sluice::Strand* strand, int* total) {
      strand_ = strand;
      total_ = total;
    }
    void Schedule(int primes) {
      primes_ = primes;
      strand_->Schedule(this);
    }
    void Run() override { *total_ += primes_; }
    void Abandon() override {}

   private:
    sluice::Strand* strand_ = nullptr;
    int* total_ = nullptr;
    int primes_ = 0;
  };

  static bool IsPrime(int number) {
    for (int i = 2; i * i <= number; ++i) {
      if (number % i == 0) return false;
    }
    return number > 1;
  }

  int begin_ = 0;
  int end_ = 0;
  Add add_;
};

}  // namespace

int main() {
  sluice::FillStandardDescriptors();
  auto pool = sluice::WorkerPool::Create(
      {.clock = sluice::Clock::Real(), .name = "primes"});
  if (!pool.ok()) {
    std::fprintf(stderr, "%s\n", pool.status().ToString().c_str());
    return EXIT_FAILURE;
  }

  sluice::Strand strand(pool->get());
  int total = 0;  // guarded by the strand
  CountPrimes parts[10];
  for (int i = 0; i < 10; ++i) {
    parts[i].Set(i * 10'000, (i + 1) * 10'000, &strand, &total);
    (*pool)->Schedule(&parts[i]);
  }

  // The pool allocates a task for a callable, and refuses it if too many wait.
  const absl::Status status =
      (*pool)->Post([] { std::puts("a callable, too"); });
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());

  // Waits until all tasks have run, for at most 10 s.
  (*pool)->Shutdown(sluice::WorkerPool::OnShutdown::kDrain, nullptr,
                    absl::Seconds(10));
  (*pool)->Join();
  const sluice::WorkerPool::Report report = (*pool)->report();
  std::printf("%d primes below 100000; %d tasks abandoned\n", total,
              static_cast<int>(report.abandoned));
  return sluice::FinishStandardOutput("worker_pool_example", EXIT_SUCCESS);
}

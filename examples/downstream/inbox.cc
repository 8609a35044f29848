#include <cstdio>
#include <semaphore>
#include <thread>

#include "sluice/event/event_queue.h"

// Two threads send numbers, and this thread adds them up. This thread may sleep
// in any way, because the queue's results show when to wake it.
int main() {
  constexpr int kEach = 1000;
  using Inbox = sluice::EventQueue<int>;
  Inbox inbox(/*capacity=*/64);
  std::counting_semaphore<> wake(0);

  const auto send = [&] {
    for (int i = 1; i <= kEach;) {
      switch (inbox.TryPush(int{i})) {
        case Inbox::PushResult::kPushedFirst:
          wake.release();
          [[fallthrough]];
        case Inbox::PushResult::kPushed:
          ++i;
          break;
        case Inbox::PushResult::kFull:
          std::this_thread::yield();
          break;
        case Inbox::PushResult::kClosed:
          return;
      }
    }
  };
  std::thread first(send);
  std::thread second(send);

  int received = 0;
  int sum = 0;
  while (received < 2 * kEach) {
    wake.acquire();
    do {
      inbox.Drain(/*max_items=*/16, [&](int&& number) {
        ++received;
        sum += number;
      });
    } while (!inbox.PrepareToSleep());
  }
  first.join();
  second.join();
  std::printf("%d numbers, sum %d\n", received, sum);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

// Three threads send orders to one thread, which sleeps while there are none.

#include <cstdio>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/base/standard_descriptors.h"
#include "sluice/event/event_queue.h"

namespace {

struct Order {
  int clerk;
  std::string what;
};
using Orders = sluice::EventQueue<Order>;

// An order that was not pushed was not moved from, although the checker warns.
// NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
void Send(Orders* orders, std::counting_semaphore<>* wake, Order order) {
  while (true) {
    switch (orders->TryPush(std::move(order))) {
      case Orders::PushResult::kPushedFirst:
        wake->release();  // the consumer may be asleep
        return;
      case Orders::PushResult::kPushed:
        return;
      case Orders::PushResult::kFull:  // `order` is still ours
        std::this_thread::yield();
        break;
      case Orders::PushResult::kClosed:
        std::printf("too late: %s\n", order.what.c_str());
        return;
    }
  }
}
// NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)

}  // namespace

int main() {
  sluice::FillStandardDescriptors();
  constexpr int kClerks = 3;
  constexpr int kOrders = 1000;  // for each clerk
  Orders orders(/*capacity=*/64);
  std::counting_semaphore<> wake(0);
  std::vector<std::thread> clerks;
  for (int clerk = 0; clerk < kClerks; ++clerk) {
    clerks.emplace_back([&, clerk] {
      for (int i = 1; i <= kOrders; ++i) {
        Send(&orders, &wake, {clerk, "tea " + std::to_string(i)});
      }
    });
  }

  int served[kClerks] = {};
  int all = 0;
  while (all < kClerks * kOrders) {
    orders.Drain(/*max_items=*/32, [&](Order&& order) {
      ++served[order.clerk];
      ++all;
    });
    // Sleeps only if a later push will wake this thread.
    if (orders.PrepareToSleep() && all < kClerks * kOrders) wake.acquire();
  }
  for (std::thread& clerk : clerks) clerk.join();
  orders.Close();
  Send(&orders, &wake, {0, "one more tea"});
  std::printf("served %d, %d and %d orders\n", served[0], served[1], served[2]);
  return sluice::FinishStandardOutput("event_queue_example", 0);
}

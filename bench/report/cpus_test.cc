#include "sluice/bench/report/cpus.h"

#include <sched.h>

#include <cstddef>

#include "gtest/gtest.h"
#include "sluice/base/thread.h"

namespace sluice {
namespace {

cpu_set_t Allowed() {
  cpu_set_t cpus;
  EXPECT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  return cpus;
}

// Runs `body` in a thread of its own, so that the test's thread stays on its
// CPUs.
template <typename Body>
void InThread(Body body) {
  auto thread = Thread::Start("cpus test", body);
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->Join();
}

TEST(CpusTest, PinsTheThreadToOneCpuThatItMightUseBefore) {
  InThread([] {
    const cpu_set_t before = Allowed();
    Cpus(2).Pin(1);
    const cpu_set_t after = Allowed();
    cpu_set_t both;
    CPU_AND(&both, &before, &after);
    EXPECT_EQ(CPU_COUNT(&after), 1);
    EXPECT_EQ(CPU_COUNT(&both), 1);
  });
}

TEST(CpusTest, UsesOnlyCpusThatTheThreadMightUseBefore) {
  InThread([] {
    const cpu_set_t allowed = Allowed();
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &allowed)) --last;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    const Cpus cpus(2);
    for (size_t i : {0, 1}) {
      cpus.Pin(i);
      const cpu_set_t after = Allowed();
      EXPECT_TRUE(CPU_EQUAL(&after, &one)) << i;
    }
  });
}

TEST(CpusTest, PinsToOthersUntilTheyAreUsedUp) {
  InThread([] {
    cpu_set_t allowed = Allowed();
    const int count = CPU_COUNT(&allowed);
    const Cpus cpus(2);
    cpus.Pin(0);
    const cpu_set_t first = Allowed();
    cpus.Pin(1);
    const cpu_set_t second = Allowed();
    cpus.Pin(2);
    const cpu_set_t third = Allowed();
    EXPECT_EQ(!CPU_EQUAL(&first, &second), count > 1);
    EXPECT_TRUE(CPU_EQUAL(&first, &third));
  });
}

}  // namespace
}  // namespace sluice

#include "sluice/base/fork_mark.h"

#include <sys/resource.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"

namespace sluice {
namespace {

void ExpectTellsAChildFromItsParent() {
  const ForkMark mark;
  if (mark.InChild()) _exit(1);
  const int in_child = InChild([&] {
    const ForkMark own;
    if (own.InChild()) _exit(2);
    if (!mark.InChild()) _exit(3);
    const int in_grandchild = InChild([&] {
      if (!own.InChild()) _exit(4);
      if (!mark.InChild()) _exit(5);
    });
    if (in_grandchild != 0) _exit(in_grandchild);
  });
  if (in_child != 0) _exit(in_child);
  if (mark.InChild()) _exit(6);
}

TEST(ForkMark, DistinguishesAChildFromItsParent) {
  EXPECT_EQ(InChild(ExpectTellsAChildFromItsParent), 0);
}

// The memory of a sanitizer exceeds the limit of this test.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ForkMark, DistinguishesAChildFromItsParentWithoutMemory) {
  EXPECT_EQ(InChild([] {
              const rlimit none = {0, 0};
              if (setrlimit(RLIMIT_AS, &none) != 0) _exit(7);
              ExpectTellsAChildFromItsParent();
            }),
            0);
}
#endif

}  // namespace
}  // namespace sluice

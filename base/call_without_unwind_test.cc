#include "sluice/base/call_without_unwind.h"

#include <execinfo.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "gtest/gtest.h"

namespace sluice {
namespace {

// Returns the number of frames on the stack.
int Depth() {
  void* frames[100];
  return backtrace(frames, 100);
}

struct SaysWhenDestroyed {
  ~SaysWhenDestroyed() { std::fputs("unwound\n", stderr); }
};

void Throw() {
  const SaysWhenDestroyed local;
  throw std::runtime_error("thrown");
}

TEST(CallWithoutUnwind, Calls) {
  int calls = 0;
  CallWithoutUnwind([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CallWithoutUnwind, AnExceptionMayBeCaughtInside) {
  int caught = 0;
  CallWithoutUnwind([&] {
    try {
      Throw();
    } catch (const std::runtime_error&) {
      ++caught;
    }
  });
  EXPECT_EQ(caught, 1);
}

// Calls `body` inside a handler for all exceptions.
template <typename Body>
void Catching(Body body) {
  try {
    body();
  } catch (...) {
    std::fputs("caught\n", stderr);
    std::abort();
  }
}

// All the output of the process: no destructor runs before it.
constexpr char kTerminated[] =
    "^terminate called after throwing an instance of 'std::runtime_error'\n"
    "  what\\(\\):  thrown\n";

TEST(CallWithoutUnwindDeathTest, AThrowTerminatesBeforeTheStackIsUnwound) {
  EXPECT_DEATH(Catching([] { CallWithoutUnwind(Throw); }), kTerminated);
}

TEST(CallWithoutUnwindDeathTest, ANestedCallTerminatesToo) {
  EXPECT_DEATH(
      Catching([] {
        CallWithoutUnwind([] { Catching([] { CallWithoutUnwind(Throw); }); });
      }),
      kTerminated);
}

TEST(CallWithoutUnwindDeathTest, ARethrowTerminatesToo) {
  EXPECT_DEATH(Catching([] {
                 std::exception_ptr thrown;
                 try {
                   throw std::runtime_error("thrown");
                 } catch (...) {
                   thrown = std::current_exception();
                 }
                 CallWithoutUnwind([&] { std::rethrow_exception(thrown); });
               }),
               kTerminated);
}

// Debuggers and reports of sanitizers must show main().
TEST(CallWithoutUnwind, ABacktraceContainsTheCaller) {
  const int outside = Depth();
  int inside = 0;
  CallWithoutUnwind([&] { inside = Depth(); });
  EXPECT_GT(inside, outside);
}

TEST(CallWithoutUnwind, PthreadExitMayEndTheThreadInside) {
  static int destroyed = 0;
  struct Local {
    ~Local() { ++destroyed; }
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void*) -> void* {
                  CallWithoutUnwind([] {
                    const Local local;
                    pthread_exit(nullptr);
                  });
                  return nullptr;
                },
                nullptr),
            0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace sluice

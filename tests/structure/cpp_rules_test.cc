#include "sluice/tests/structure/cpp_rules.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> Errors(const std::string& path,
                                const std::string& text) {
  return CppErrors({path, text}, {"base/check.h", "log/logger.h"});
}

// Whether each of `lines`, alone in net/x.cc, is a violation of `rule`.
void ExpectViolations(const std::string& rule,
                      const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    EXPECT_THAT(Errors("net/x.cc", "\n" + line + "\n"),
                ElementsAre(StartsWith("net/x.cc:2: " + rule + ": ")))
        << line;
  }
}

void ExpectNone(const std::string& path,
                const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    EXPECT_THAT(Errors(path, line + "\n"), IsEmpty()) << line;
  }
}

TEST(CppRulesTest, IncludesAreSpelledFromTheTop) {
  ExpectViolations("include",
                   {"#include \"log/logger.h\"", "#include \"logger.h\"",
                    "#include \"sluice/log/gone.h\"", "# include \"x.h\""});
  ExpectNone("net/x.cc",
             {"#include \"sluice/log/logger.h\"", "#include \"absl/time/x.h\"",
              "#include <vector>", "// #include \"x.h\"",
              "const char* const s = \"#include \\\"x.h\\\"\";"});
}

TEST(CppRulesTest, CommentsNameTheirSubjectInPlainWords) {
  ExpectViolations(
      "prose",
      {"// What is not written is dropped.", "int a;  // Of all loops.",
       "// Starts. Whoever waits is woken.", "// Reads it anew.",
       "// Thread-safe, save Wake().",
       "// It waits for ever, and never ends."});
  EXPECT_THAT(Errors("net/x.cc", "// It returns\n// What is left.\n"),
              IsEmpty());
  ExpectNone("net/x.cc",
             {"// Of course it does.", "// Whatsoever.", "// The bytes of a.",
              "const char* const s = \"What anew for ever\";",
              "// Whole words: renewed, newest."});
}

TEST(CppRulesTest, IostreamIsNotIncluded) {
  ExpectViolations("iostream", {"#include <iostream>"});
  ExpectNone("net/x.cc", {"#include <ostream>", "// #include <iostream>"});
}

TEST(CppRulesTest, GuardsNameTheFileAndGoAroundIt) {
  const std::string good =
      "#ifndef SLUICE_NET_A_B_H_\n#define SLUICE_NET_A_B_H_\nint a;\n"
      "#endif  // SLUICE_NET_A_B_H_\n";
  EXPECT_THAT(Errors("net/a_b.h", good), IsEmpty());
  EXPECT_THAT(Errors("net/http/a_b.h", good),
              ElementsAre("net/http/a_b.h:1: guard: begin with #ifndef "
                          "SLUICE_NET_HTTP_A_B_H_ and its #define"));
  EXPECT_THAT(Errors("net/a_b.h", "int a;\n" + good),
              ElementsAre(StartsWith("net/a_b.h:1: guard: begin")));
  EXPECT_THAT(Errors("net/a_b.h", good + "int b;\n"),
              ElementsAre(StartsWith("net/a_b.h:5: guard: end")));
  EXPECT_THAT(Errors("net/a_b.h", "#pragma once\n"),
              ElementsAre(StartsWith("net/a_b.h:1: guard: begin")));
}

TEST(CppRulesTest, LinesHaveEightyColumns) {
  ExpectViolations("columns", {"// " + std::string(78, 'x')});
  ExpectNone("net/x.cc", {"// " + std::string(77, 'x'),
                          "// " + std::string(76, 'x') + "\u00e9",
                          "#include <" + std::string(80, 'x') + ">"});
}

TEST(CppRulesTest, NamespacesAreNotUsed) {
  ExpectViolations("namespace", {"using namespace std;"});
  ExpectNone("net/x.cc", {"using std::string;", "// using namespace std;"});
}

TEST(CppRulesTest, TimeComesFromAClock) {
  ExpectViolations(
      "time",
      {"sleep(1);", "::usleep(1);", "nanosleep(&t, nullptr);",
       "std::this_thread::sleep_for(x);", "std::this_thread::sleep_until(x);",
       "absl::SleepFor(x);", "absl::Now();", "f(absl::Now);",
       "using C = std::chrono::system_clock;",
       "std::chrono::steady_clock::now();", "gettimeofday(&t, nullptr);",
       "time(nullptr);", "return time(nullptr);", "x = std::time(nullptr);",
       "clock_gettime(CLOCK_MONOTONIC, &t);", "auto* const f = &::time;"});
  ExpectNone("net/x.cc",
             {"// sleep(1)", "Log(\"sleep(1)\");", "clock->Now();", "Now();",
              "timer.time(1);", "int64_t time(int a);", "wheel->sleep(1);",
              "int time = 1;", "time();", "Foo::sleep(1);", "#include <time.h>",
              "/* absl::Now() */", "R\"(absl::Now())\";"});
  ExpectNone("timer/clock.cc", {"clock_gettime(CLOCK_MONOTONIC, &now);"});
  ExpectNone("net/x_benchmark.cc", {"clock_gettime(CLOCK_MONOTONIC, &now);"});
}

TEST(CppRulesTest, TheKernelIsCalledInItsPlaces) {
  ExpectViolations(
      "syscall",
      {"read(fd, a, b);", "::read(fd, a, b);", "if (::close(fd) != 0) {",
       "return ::write(fd, a, b);", "return write(fd, a, b);",
       "n = epoll_wait(fd, a, b, c);", "auto f = &::close;",
       "do close(fd); while (a);", "x(socket(AF_INET, a, 0));",
       "eventfd(0, EFD_CLOEXEC);", "poll(&p, 1, 0);", "fcntl(fd, F_GETFL);",
       "accept4(fd, nullptr, nullptr, 0);", "shutdown(fd, SHUT_WR);"});
  ExpectNone("net/x.cc",
             {"// ::read(fd)", "Log(\"::read(fd)\");", "file.close();",
              "api->read(fd, a);", "api.read(fd, a);", "Api::read(fd, a);",
              "int read(int fd);", "int socket() const;", "use(socket());",
              "const int socket = 1;", "#include <sys/socket.h>",
              "IoResult Read(int fd);", "struct sigaction action;",
              "R\"x(read(fd))x\";"});
  for (const char* path :
       {"net/socket/kernel_sockets.cc", "event/poller/epoll_poller.cc",
        "apps/echo/x.cc", "net/x_test.cc", "tests/support/process.cc"}) {
    ExpectNone(path, {"::read(fd, a, b); TEST(A, B) {}"});
  }
  EXPECT_THAT(Errors("event/poller.cc", "::read(fd, a, b);\n").size(), 1u);
}

TEST(CppRulesTest, ThreadsStartInTheirPlaces) {
  ExpectViolations("thread",
                   {"std::thread t(f);", "std::vector<std::thread> threads;",
                    "std::jthread t(f);", "auto a = std::async(f);",
                    "pthread_create(&t, nullptr, f, a);"});
  ExpectNone("net/x.cc", {"std::thread::hardware_concurrency();",
                          "std::thread::id id;", "std::this_thread::get_id();",
                          "// std::thread", "Log(\"pthread_create\");"});
  ExpectNone("base/thread.cc", {"pthread_create(&t, nullptr, f, a);"});
}

TEST(CppRulesTest, ATestFileHasATest) {
  EXPECT_THAT(Errors("net/x_test.cc", "// TEST(A, B) {}\n"),
              ElementsAre(StartsWith("net/x_test.cc:1: no-test: ")));
  ExpectNone("net/x_test.cc", {"TEST(A, B) {}", "TEST_F(A, B) {}",
                               "TEST_P(A, B) {}", "TYPED_TEST(A, B) {}",
                               "INSTANTIATE_TEST_SUITE_P(A, B, Values(1));"});
  ExpectNone("net/x.cc", {"int a;"});
}

}  // namespace
}  // namespace sluice

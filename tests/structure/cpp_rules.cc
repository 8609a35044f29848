#include "sluice/tests/structure/cpp_rules.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "sluice/tests/structure/cpp_text.h"
#include "sluice/tests/structure/source_tree.h"

namespace sluice {
namespace {

// ---------------------------------------------------------------------------
// Who is exempt
// ---------------------------------------------------------------------------

// A pattern: a path, in which one '*' stands for any text.
using Homes = std::vector<absl::string_view>;

bool Matches(absl::string_view path, absl::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return path == pattern;
  return path.size() + 1 >= pattern.size() &&
         absl::StartsWith(path, pattern.substr(0, star)) &&
         absl::EndsWith(path, pattern.substr(star + 1));
}

bool IsHome(absl::string_view path, const Homes& homes) {
  return std::any_of(
      homes.begin(), homes.end(),
      [&](absl::string_view pattern) { return Matches(path, pattern); });
}

const Homes& TimeHomes() {
  static const auto* const homes = new Homes{
      "timer/clock.cc",            // the clock
      "timer/clock_test.cc",       // compares it with the kernel's
      "base/mutex_test.cc",        // timeouts of the mutex are the kernel's
      "log/log_crash_handler.cc",  // waits inside a signal handler
      "tests/support/process.cc",  // another process has no simulated time
      "*_benchmark.cc",            // measure CPU time
  };
  return *homes;
}

const Homes& SyscallHomes() {
  static const auto* const homes = new Homes{
      "base/standard_descriptors.cc",  // what main() was given
      "net/socket/kernel_sockets.cc",  // the sockets of net, and their files
      "net/sim/sim_last_words.cc",     // signals that end a simulation
      "event/*_poller.cc",             // readiness
      "event/poller/registration_errors.cc",  // what is registered
      "event/poller/wakeup_fd.cc",            // waking it
      "event/signal_watch.cc",                // signals
      "event/process_fence.cc",               // order among threads
      "base/fork_mark.cc",                    // a fork()
      "base/testing/in_child.h",              // and a child, for tests
      "timer/clock.cc",                       // time
      "log/descriptor_writer.cc",             // lines
      "log/internal/file_calls.cc",           // files of them
      "log/log_crash_handler*",               // signals
      "apps/*",                               // programs of their own,
      "bench/*",    //   and what they are compared with
      "tests/*",    // look at all that from outside
      "*_test.cc",  //   and inside,
      "event/poller/kernel_poller_world.cc"  //   with sockets of their own
  };
  return *homes;
}

const Homes& ThreadHomes() {
  static const auto* const homes = new Homes{
      "base/thread.cc",                       // what loops and workers run on
      "tests/*",                              // threads against which
      "*_test.cc",                            //   the thread-safe is tested
      "*_benchmark.cc",                       //   and measured,
      "bench/queues.cc",                      //   beside others,
      "*_example.cc",                         //   and shown
      "event/poller/kernel_poller_world.cc",  //   and pollers are woken,
      "base/testing/without_system_call.h",   //   or forbidden a system call
  };
  return *homes;
}

// ---------------------------------------------------------------------------
// What is forbidden
// ---------------------------------------------------------------------------

using Names = std::set<absl::string_view>;

// Functions that wait or tell the time.
const Names& TimeFunctions() {
  static const auto* const names = new Names{
      "clock_gettime", "clock_nanosleep", "ftime", "gettimeofday", "nanosleep",
      "sleep",         "thrd_sleep",      "time",  "timespec_get", "usleep",
  };
  return *names;
}

// Names that do it wherever they stand.
const Names& TimeNames() {
  static const auto* const names = new Names{
      "GetCurrentTimeNanos", "SleepFor",    "high_resolution_clock",
      "sleep_for",           "sleep_until", "steady_clock",
      "system_clock",
  };
  return *names;
}

// System calls on descriptors, processes and signals.
const Names& Syscalls() {
  static const auto* const names = new Names{
      "accept",         "accept4",
      "bind",           "close",
      "close_range",    "connect",
      "creat",          "dup",
      "dup2",           "dup3",
      "epoll_create",   "epoll_create1",
      "epoll_ctl",      "epoll_pwait",
      "epoll_pwait2",   "epoll_wait",
      "eventfd",        "fcntl",
      "fdatasync",      "fork",
      "fstat",          "fsync",
      "ftruncate",      "getpeername",
      "getrlimit",      "getsockname",
      "getsockopt",     "inotify_init1",
      "io_uring_enter", "io_uring_setup",
      "ioctl",          "kill",
      "listen",         "lseek",
      "lstat",          "memfd_create",
      "mkdir",          "mmap",
      "munmap",         "open",
      "openat",         "pidfd_open",
      "pipe",           "pipe2",
      "poll",           "ppoll",
      "pread",          "preadv",
      "preadv2",        "prlimit",
      "pselect",        "pwrite",
      "pwritev",        "pwritev2",
      "read",           "readv",
      "recv",           "recvfrom",
      "recvmmsg",       "recvmsg",
      "rename",         "rmdir",
      "select",         "send",
      "sendfile",       "sendmmsg",
      "sendmsg",        "sendto",
      "setrlimit",      "setsockopt",
      "shutdown",       "sigaction",
      "signal",         "signalfd",
      "socket",         "socketpair",
      "splice",         "stat",
      "statx",          "syscall",
      "timerfd_create", "timerfd_settime",
      "unlink",         "vfork",
      "waitpid",        "write",
      "writev",
  };
  return *names;
}

// Libraries whose quoted includes are written as their authors write them.
constexpr absl::string_view kForeignIncludes[] = {
    "absl/", "benchmark/", "gflags/", "glog/", "gmock/", "gtest/"};

const Names& TestMacros() {
  static const auto* const names = new Names{
      "TEST",
      "TEST_F",
      "TEST_P",
      "TYPED_TEST",
      "TYPED_TEST_P",
      "INSTANTIATE_TEST_SUITE_P",
      "INSTANTIATE_TYPED_TEST_SUITE_P",
  };
  return *names;
}

// ---------------------------------------------------------------------------
// Words of comments
// ---------------------------------------------------------------------------

// Returns the text of a comment, without "//" and blanks at both ends.
absl::string_view CommentText(absl::string_view comment) {
  comment = absl::StripLeadingAsciiWhitespace(comment);
  while (absl::ConsumePrefix(&comment, "/")) {
  }
  return absl::StripAsciiWhitespace(comment);
}

bool EndsSentence(absl::string_view text) {
  return text.empty() || absl::StrContains(".:;?!", text.back());
}

// Returns the word that opens a sentence without naming its subject, or "".
absl::string_view VagueOpening(absl::string_view sentence) {
  for (const absl::string_view word :
       {"What", "Who", "Whoever", "Whose", "Whatever", "Of", "Those"}) {
    absl::string_view rest = sentence;
    if (absl::ConsumePrefix(&rest, word) && absl::StartsWith(rest, " ") &&
        !absl::StartsWith(rest, " course")) {
      return word;
    }
  }
  return "";
}

// Returns a word or phrase that a reader may not know, or "".
absl::string_view RareWord(absl::string_view text) {
  const std::string padded = absl::AsciiStrToLower(absl::StrCat(
      " ", absl::StrReplaceAll(text, {{",", " ,"}, {".", " ."}}), " "));
  for (const absl::string_view word :
       {" anew ", " lest ", " whence ", " for ever ", " is told ", " are told ",
        " has to do with ", " at the hands of ", " , save ", " save for "}) {
    if (absl::StrContains(padded, word)) return word;
  }
  return "";
}

// ---------------------------------------------------------------------------

bool IsName(absl::string_view token) {
  return absl::ascii_isalpha(token[0]) || token[0] == '_';
}

class Checker {
 public:
  Checker(const SourceFile* file, const std::set<std::string>* paths)
      : file_(*file),
        paths_(*paths),
        text_(SplitCpp(file->text)),
        tokens_(CppTokens(text_.code)) {}

  std::vector<std::string> Check() {
    CheckLines();
    CheckProse();
    if (absl::EndsWith(file_.path, ".h")) CheckGuard();
    if (absl::EndsWith(file_.path, "_test.cc")) CheckHasTest();
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!IsName(tokens_[i].text)) continue;
      CheckNamespace(i);
      CheckTime(i);
      CheckSyscall(i);
      CheckThread(i);
    }
    return errors_;
  }

 private:
  void Report(int line, absl::string_view rule, absl::string_view advice) {
    errors_.push_back(
        absl::StrCat(file_.path, ":", line, ": ", rule, ": ", advice));
  }

  // Empty before the first and after the last.
  absl::string_view At(size_t i) const {
    return i < tokens_.size() ? tokens_[i].text : "";
  }

  // Whether token `i` names `first::second`.
  bool IsQualified(size_t i, absl::string_view first,
                   absl::string_view second) const {
    return At(i) == first && At(i + 1) == "::" && At(i + 2) == second;
  }

  // Whether token `i` is used as a function at global scope or of std: called
  // with an argument, or named with "::". Not one that an object or another
  // namespace has, nor a declaration, where a type stands before the name.
  bool IsFreeFunction(size_t i) const {
    static const auto* const before_calls =
        new Names{"return", "else", "do", "case", "co_return"};
    const absl::string_view before = At(i - 1);
    if (before == "." || before == "->") return false;
    if (before == "::") {
      const absl::string_view scope = At(i - 2);
      const bool global =
          scope.empty() || !IsName(scope) || before_calls->count(scope) > 0;
      return global || (scope == "std" && At(i + 1) == "(");
    }
    if (!before.empty() && IsName(before) && before_calls->count(before) == 0) {
      return false;
    }
    return At(i + 1) == "(" && At(i + 2) != ")";
  }

  void CheckLines() {
    const std::vector<absl::string_view> code =
        absl::StrSplit(text_.code, '\n');
    const std::vector<absl::string_view> source =
        absl::StrSplit(file_.text, '\n');
    for (size_t i = 0; i < source.size(); ++i) {
      const int line = static_cast<int>(i) + 1;
      std::string directive(code[i]);  // the code; of "path", the quotes only
      absl::RemoveExtraAsciiWhitespace(&directive);
      absl::string_view rest = directive;
      if (absl::ConsumePrefix(&rest, "#include ") ||
          absl::ConsumePrefix(&rest, "# include ")) {
        CheckInclude(line, rest, source[i]);
      } else if (Columns(source[i]) > 80) {
        Report(line, "columns", "break the line, at column 80 at the latest");
      }
    }
  }

  void CheckProse() {
    const std::vector<absl::string_view> code =
        absl::StrSplit(text_.code, '\n');
    const std::vector<absl::string_view> comments =
        absl::StrSplit(text_.comments, '\n');
    bool in_sentence = false;  // the line before is a part of one
    for (size_t i = 0; i < comments.size(); ++i) {
      const int line = static_cast<int>(i) + 1;
      const absl::string_view text = CommentText(comments[i]);
      const bool alone = absl::StripAsciiWhitespace(code[i]).empty();
      if (!alone || !in_sentence) CheckOpening(line, text);
      for (size_t end = 0; (end = text.find(' ', end)) != text.npos; ++end) {
        if (EndsSentence(text.substr(0, end))) {
          CheckOpening(line, text.substr(end + 1));
        }
      }
      const absl::string_view rare = RareWord(text);
      if (!rare.empty()) {
        Report(line, "prose", absl::StrCat("find a plain word for", rare));
      }
      in_sentence = !EndsSentence(text);
    }
  }

  void CheckOpening(int line, absl::string_view sentence) {
    const absl::string_view word = VagueOpening(sentence);
    if (word.empty()) return;
    Report(line, "prose",
           absl::StrCat("name the subject in place of \"", word, "\""));
  }

  static std::ptrdiff_t Columns(absl::string_view line) {
    return std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // UTF-8's rest
    });
  }

  void CheckInclude(int line, absl::string_view directive,
                    absl::string_view source) {
    if (absl::StartsWith(directive, "<iostream>")) {
      Report(line, "iostream",
             "use <cstdio>, or <ostream> for operator<<: <iostream> has static "
             "constructors");
    }
    if (!absl::StartsWith(directive, "\"")) return;
    const std::vector<absl::string_view> parts = absl::StrSplit(source, '"');
    absl::string_view path = parts[1];
    if (absl::ConsumePrefix(&path, "sluice/")) {
      if (paths_.count(std::string(path)) > 0) return;
      Report(line, "include", absl::StrCat("there is no ", path));
      return;
    }
    for (absl::string_view foreign : kForeignIncludes) {
      if (absl::StartsWith(path, foreign)) return;
    }
    Report(line, "include",
           absl::StrCat("write \"sluice/<package>/<file>.h\" for ours, and "
                        "<...> for the system's: \"",
                        path, "\" may be a file of our users"));
  }

  void CheckGuard() {
    std::string guard = absl::AsciiStrToUpper(
        absl::StrReplaceAll(file_.path, {{"/", "_"}, {".", "_"}, {"-", "_"}}));
    guard = absl::StrCat("SLUICE_", guard, "_");
    const std::string end = absl::StrCat("#endif  // ", guard, "\n");
    const bool opens = At(0) == "#" && At(1) == "ifndef" && At(2) == guard &&
                       At(3) == "#" && At(4) == "define" && At(5) == guard &&
                       tokens_[5].line == 2;
    if (!opens) {
      Report(1, "guard",
             absl::StrCat("begin with #ifndef ", guard, " and its #define"));
    } else if (!absl::EndsWith(file_.text, end)) {
      Report(tokens_.back().line, "guard",
             absl::StrCat("end with #endif  // ", guard));
    }
  }

  void CheckHasTest() {
    for (const CppToken& token : tokens_) {
      if (TestMacros().count(token.text) > 0) return;
    }
    Report(1, "no-test", "add a test, or give the file another name");
  }

  void CheckNamespace(size_t i) {
    if (At(i) == "using" && At(i + 1) == "namespace") {
      Report(tokens_[i].line, "namespace", "name what you use");
    }
  }

  void CheckTime(size_t i) {
    const absl::string_view name = At(i);
    const bool found = TimeNames().count(name) > 0 ||
                       IsQualified(i, "absl", "Now") ||
                       (TimeFunctions().count(name) > 0 && IsFreeFunction(i));
    if (!found || IsHome(file_.path, TimeHomes())) return;
    Report(tokens_[i].line, "time",
           absl::StrCat(name == "absl" ? "absl::Now" : name,
                        ": take a Clock, arm a timer; a test advances a "
                        "SimClock or waits for what happens"));
  }

  void CheckSyscall(size_t i) {
    if (Syscalls().count(At(i)) == 0 || !IsFreeFunction(i) ||
        IsHome(file_.path, SyscallHomes())) {
      return;
    }
    Report(tokens_[i].line, "syscall",
           absl::StrCat(At(i),
                        ": call it through SocketApi, Poller or "
                        "LogWriter, which tests and simulations replace"));
  }

  void CheckThread(size_t i) {
    // std::thread::id and its like start none.
    const bool found = (IsQualified(i, "std", "thread") && At(i + 3) != "::") ||
                       IsQualified(i, "std", "jthread") ||
                       IsQualified(i, "std", "async") ||
                       At(i) == "pthread_create";
    if (!found || IsHome(file_.path, ThreadHomes())) return;
    Report(tokens_[i].line, "thread",
           "let the caller give an Executor or a loop: libraries start no "
           "threads of their own");
  }

  const SourceFile& file_;
  const std::set<std::string>& paths_;
  const CppText text_;
  const std::vector<CppToken> tokens_;
  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> CppErrors(const SourceFile& file,
                                   const std::set<std::string>& paths) {
  return Checker(&file, &paths).Check();
}

}  // namespace sluice

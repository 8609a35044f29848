// Tests programs that use glog through the bridge: their files, their stderr,
// and their log when they die.

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class GlogBridgeProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = absl::StrCat(::testing::TempDir(), "/glog_XXXXXX");
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Runs the program with these steps in an empty folder. Its environment makes
  // glog write its files there, too.
  Process::Ended Run(std::vector<std::string> steps,
                     std::vector<std::string> environment = {}) {
    steps.insert(steps.begin(), folder_);
    for (const std::string name : {"TEST_TMPDIR", "TMPDIR", "TMP"}) {
      environment.push_back(absl::StrCat(name, "=", folder_));
    }
    auto process =
        Process::Start("log/glog/glog_bridge_program",
                       {.arguments = steps, .environment = environment});
    SLUICE_EXPECT_OK(process);
    if (!process.ok()) return {};
    auto ended = (*process)->Wait(absl::Seconds(60));
    SLUICE_EXPECT_OK(ended);
    return ended.ok() ? *std::move(ended) : Process::Ended();
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      files.push_back(entry.path().filename());
    }
    return files;
  }

  std::string folder_;
};

// Returns the lines of the log.
std::vector<std::string> Lines(const Process::Ended& ended) {
  std::vector<std::string> lines = absl::StrSplit(ended.output, '\n');
  lines.pop_back();
  return lines;
}

// ---------------------------------------------------------------------------
// Files and stderr
// ---------------------------------------------------------------------------

TEST_F(GlogBridgeProcessTest, WithoutABridgeGlogWritesFilesAndStderr) {
  const Process::Ended ended = Run({"init", "error"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.error, HasSubstr("erred"));
  EXPECT_THAT(Files(), Not(IsEmpty()));
}

TEST_F(GlogBridgeProcessTest, WritesNeitherFilesNorStderr) {
  const Process::Ended ended =
      Run({"init", "bridge", "thread", "info", "error"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"), EndsWith("] erred")));
  EXPECT_EQ(ended.error, "");
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(GlogBridgeProcessTest, WritesNeitherWithAnyEnvironment) {
  for (const std::string setting :
       {"GOOGLE_LOG_DIR=.", "GLOG_log_dir=.", "GOOGLE_LOGTOSTDERR=1",
        "GLOG_logtostderr=1", "GOOGLE_ALSOLOGTOSTDERR=1",
        "GOOGLE_LOGTOSTDOUT=1", "GLOG_stderrthreshold=0"}) {
    const Process::Ended ended =
        Run({"init", "bridge", "info", "error"}, {setting});
    EXPECT_EQ(ended.exit_code, 0) << setting;
    EXPECT_THAT(Lines(ended),
                ElementsAre(EndsWith("] informed"), EndsWith("] erred")))
        << setting;
    EXPECT_EQ(ended.error, "") << setting;
    EXPECT_THAT(Files(), IsEmpty()) << setting;
  }
}

TEST_F(GlogBridgeProcessTest, AfterItsDestructionGlogWritesFilesAgain) {
  const Process::Ended ended = Run({"init", "bridge", "info", "end", "error"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(Lines(ended), ElementsAre(EndsWith("] informed")));
  EXPECT_THAT(ended.error, HasSubstr("] erred"));
  EXPECT_THAT(Files(), Not(IsEmpty()));
}

TEST_F(GlogBridgeProcessTest, WithoutInitializationGlogWritesStderrToo) {
  const Process::Ended ended = Run({"bridge", "info", "init", "error"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"), EndsWith("] erred")));
  EXPECT_THAT(ended.error,
              AllOf(HasSubstr("InitGoogleLogging"), HasSubstr("] informed"),
                    Not(HasSubstr("] erred"))));
  EXPECT_THAT(Files(), IsEmpty());
}

// ---------------------------------------------------------------------------
// Death
// ---------------------------------------------------------------------------

class GlogBridgeFatalTest : public GlogBridgeProcessTest {
 protected:
  // Expects that abort() killed the program, and that it printed why.
  void ExpectDeath(const Process::Ended& ended, const std::string& message) {
    EXPECT_EQ(ended.signal, SIGABRT);
    EXPECT_THAT(ended.error, HasSubstr(message));
    EXPECT_THAT(ended.error, Not(HasSubstr("] informed")));
  }
};

TEST_F(GlogBridgeFatalTest, FatalLinesAndEarlierLinesAreWritten) {
  const Process::Ended ended =
      Run({"init", "bridge", "thread", "info", "error", "fatal"});
  ExpectDeath(ended, "] died");
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"), EndsWith("] erred"),
                          AllOf(HasSubstr("Z F "), EndsWith("] died"))));
}

TEST_F(GlogBridgeFatalTest, FatalLinesAreWrittenWithoutALoggerThread) {
  const Process::Ended ended = Run({"init", "bridge", "info", "fatal"});
  ExpectDeath(ended, "] died");
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"), EndsWith("] died")));
}

TEST_F(GlogBridgeFatalTest, FailedChecksAreWritten) {
  const Process::Ended ended =
      Run({"init", "bridge", "thread", "info", "check"});
  ExpectDeath(ended, "Check failed: 1 + 1 == 3 (2 vs. 3) as ever");
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"),
                          EndsWith("Check failed: 1 + 1 == 3 (2 vs. 3) as "
                                   "ever")));
}

TEST_F(GlogBridgeFatalTest, TheLineOfACrashHandlerComesAfterTheFatalLine) {
  const Process::Ended ended =
      Run({"init", "bridge", "thread", "handler", "info", "fatal"});
  ExpectDeath(ended, "] died");
  EXPECT_THAT(Lines(ended),
              ElementsAre(EndsWith("] informed"), EndsWith("] died"),
                          EndsWith("] ended by signal 6 (SIGABRT)")));
}

TEST_F(GlogBridgeFatalTest, ALoopMayLogAFatalLine) {
  for (const std::string thread : {"thread", "info"}) {
    const Process::Ended ended =
        Run({"init", "bridge", thread, "info", "fatal_on_loop"});
    ExpectDeath(ended, "] died");
    EXPECT_THAT(ended.output, HasSubstr("] died\n"));
  }
}

TEST_F(GlogBridgeFatalTest, AFatalLineIsWrittenWhileOthersLog) {
  const Process::Ended ended =
      Run({"init", "bridge", "thread", "fatal_among_others"});
  ExpectDeath(ended, "] died");
  EXPECT_THAT(ended.output, HasSubstr("] died\n"));
}

TEST_F(GlogBridgeFatalTest, AFatalLineGetsRoomInAFullRing) {
  for (const std::string thread : {"thread", "info"}) {
    const Process::Ended ended =
        Run({"init", "bridge", thread, "fill", "fatal"});
    ExpectDeath(ended, "] died");
    EXPECT_THAT(ended.output, HasSubstr("] filled\n"));
    EXPECT_THAT(ended.output, EndsWith("] died\n"));
  }
}

TEST_F(GlogBridgeFatalTest, AWriterThatHangsDoesNotKeepTheProcessAlive) {
  const Process::Ended ended =
      Run({"init", "bridge", "hang", "thread", "info", "fatal"});
  ExpectDeath(ended, "] died");
  EXPECT_EQ(ended.output, "");
}

TEST_F(GlogBridgeFatalTest, AFatalLineOfTheWriterGoesToStderr) {
  const Process::Ended ended =
      Run({"init", "bridge", "info", "thread", "die", "error"});
  ExpectDeath(ended, "] the writer died");
}

}  // namespace
}  // namespace sluice

// Runs the three programs, and sends two lines to the server.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

// Reads until a line end, which it leaves out, or the end of the input.
std::string ReadLine(int fd) {
  std::string line;
  char c;
  while (read(fd, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

// A program whose output the test reads.
class Program {
 public:
  explicit Program(const char* path) {
    int output[2];
    EXPECT_EQ(pipe(output), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(output[1], STDOUT_FILENO);
      dup2(output[1], STDERR_FILENO);
      execl(path, path, nullptr);
      _exit(127);
    }
    close(output[1]);
    output_ = output[0];
  }
  ~Program() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    close(output_);
  }

  std::string ReadLine() { return ::ReadLine(output_); }

 private:
  pid_t pid_;
  int output_;
};

TEST(PiecesTest, SluiceTakesTheAbseilOfThisWorkspace) {
  std::string pinned_by;
  for (const auto& repository : std::filesystem::directory_iterator("..")) {
    std::ifstream(repository.path() / "PINNED_BY") >> pinned_by;
  }
  EXPECT_EQ(pinned_by, "downstream");
}

TEST(PiecesTest, TheTimerWheelWorksAlone) {
  Program kitchen("./kitchen");
  EXPECT_EQ(kitchen.ReadLine(), "the tea is ready");
  EXPECT_EQ(kitchen.ReadLine(), "the egg is ready");
}

TEST(PiecesTest, TheQueueWorksAlone) {
  Program inbox("./inbox");
  EXPECT_EQ(inbox.ReadLine(), "2000 numbers, sum 1001000");
}

TEST(PiecesTest, TheServerAnswersWithTheLengthOfEachLine) {
  Program server("./line_server");
  const std::string listening = server.ReadLine();
  ASSERT_THAT(listening,
              testing::StartsWith("line_server: listening on 127.0.0.1:"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(
      std::atoi(listening.c_str() + listening.rfind(':') + 1)));
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address),
                    sizeof(address)),
            0);
  ASSERT_EQ(write(client, "hello\nwor", 9), 9);
  EXPECT_EQ(ReadLine(client), "5");
  ASSERT_EQ(write(client, "ld!!\n", 5), 5);
  EXPECT_EQ(ReadLine(client), "7");
  close(client);
}

}  // namespace

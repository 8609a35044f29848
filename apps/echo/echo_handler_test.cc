#include "sluice/apps/echo/echo_handler.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/executor.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"

namespace sluice {
namespace {

// A stream that records the calls of the handler.
class FakeStream final : public Stream {
 public:
  bool Write(absl::string_view data) override {
    written.append(data.data(), data.size());
    return !full;
  }
  bool Write(const absl::Cord& data) override {
    return Write(std::string(data));
  }
  void Cork() override {}
  void ShutdownWrite() override { half_closed = true; }
  void Abort(absl::Status) override {}
  void PauseReading() override { paused = true; }
  void ResumeReading() override { paused = false; }
  void SetTimeout(absl::Duration) override {}
  uint64_t pending_output() const override { return 0; }
  bool HasUnreadInput() const override { return unread; }
  absl::StatusOr<SocketAddress> peer() const override {
    return SocketAddress();
  }
  Executor* executor() const override { return nullptr; }
  StreamHandle handle() override { return {}; }

  std::string written;
  bool full = false;    // past its high-water mark
  bool unread = false;  // more has arrived
  bool half_closed = false;
  bool paused = false;
};

TEST(EchoHandlerTest, SendsBackAllInputAndConsumesIt) {
  FakeStream stream;
  EchoHandler handler;
  EXPECT_EQ(handler.OnInput(stream, "hello "), 6u);
  EXPECT_EQ(handler.OnInput(stream, "world"), 5u);
  EXPECT_EQ(stream.written, "hello world");
  EXPECT_FALSE(stream.paused);
  EXPECT_FALSE(stream.half_closed);
}

TEST(EchoHandlerTest, StopsReadingWhileThePeerDoesNotRead) {
  FakeStream stream;
  EchoHandler handler;
  stream.full = true;
  EXPECT_EQ(handler.OnInput(stream, "much"), 4u);
  EXPECT_TRUE(stream.paused);
  handler.OnWritable(stream);
  EXPECT_FALSE(stream.paused);
}

TEST(EchoHandlerTest, HalfClosesAfterThePeer) {
  FakeStream stream;
  EchoHandler handler;
  handler.OnInputEnd(stream);
  EXPECT_TRUE(stream.half_closed);
}

TEST(EchoHandlerTest, DrainingHalfClosesAnIdleStreamAtOnce) {
  FakeStream stream;
  EchoHandler handler;
  handler.OnDraining(stream);
  EXPECT_TRUE(stream.half_closed);
}

TEST(EchoHandlerTest, DrainingEchoesArrivedInputThenHalfCloses) {
  FakeStream stream;
  EchoHandler handler;
  stream.unread = true;
  handler.OnDraining(stream);
  EXPECT_FALSE(stream.half_closed);
  handler.OnInput(stream, "one");
  EXPECT_FALSE(stream.half_closed);
  stream.unread = false;
  handler.OnInput(stream, "two");
  EXPECT_TRUE(stream.half_closed);
  EXPECT_EQ(stream.written, "onetwo");
}

}  // namespace
}  // namespace sluice

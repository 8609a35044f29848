#include "sluice/apps/echo/echo_handler.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
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
  WriteResult Write(absl::string_view data) override {
    written.append(data.data(), data.size());
    return WriteResult::kOk;
  }
  WriteResult Write(const absl::Cord& data) override {
    return Write(absl::string_view(std::string(data)));
  }
  void Cork() override {}
  void WhenSent(Callable) override {}
  void ReadInto(absl::Span<char>) override {}
  void SetTimeout(absl::Duration) override {}
  uint64_t pending_output() const override { return 0; }
  bool HasUnreadInput() const override { return unread; }
  Executor* executor() const override { return nullptr; }
  StreamHandle handle() override { return {}; }

  std::string written;
  bool unread = false;  // more has arrived
  bool half_closed = false;
  bool closing = false;

 private:
  void BeginClose(Closing closing_request) override {
    half_closed |= closing_request.how == Closing::How::kShutdownWrite;
    closing |= closing_request.how == Closing::How::kAfterFlush;
  }
  void SetPaused(Pauser, bool) override {}
  absl::StatusOr<SocketAddress> Address(Side) const override {
    return SocketAddress();
  }
};

TEST(EchoHandlerTest, SendsBackAllInputAndConsumesIt) {
  FakeStream stream;
  EchoHandler handler;
  EXPECT_EQ(handler.OnInput(stream, "hello "), 6u);
  EXPECT_EQ(handler.OnInput(stream, "world"), 5u);
  EXPECT_EQ(stream.written, "hello world");
  EXPECT_FALSE(stream.half_closed);
}

TEST(EchoHandlerTest, HalfClosesAfterThePeer) {
  FakeStream stream;
  EchoHandler handler;
  handler.OnInputEnd(stream);
  EXPECT_TRUE(stream.half_closed);
}

TEST(EchoHandlerTest, DrainingClosesAnIdleStreamAtOnce) {
  FakeStream stream;
  EchoHandler handler;
  handler.OnDraining(stream);
  EXPECT_TRUE(stream.closing);
}

TEST(EchoHandlerTest, DrainingEchoesArrivedInputThenCloses) {
  FakeStream stream;
  EchoHandler handler;
  stream.unread = true;
  handler.OnDraining(stream);
  EXPECT_FALSE(stream.closing);
  handler.OnInput(stream, "one");
  EXPECT_FALSE(stream.closing);
  stream.unread = false;
  handler.OnInput(stream, "two");
  EXPECT_TRUE(stream.closing);
  EXPECT_EQ(stream.written, "onetwo");
}

}  // namespace
}  // namespace sluice

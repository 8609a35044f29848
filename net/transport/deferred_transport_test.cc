#include "sluice/net/transport/deferred_transport.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"

namespace sluice {
namespace {

// Tests beyond the contract, which //net/transport:transport_conformance_test
// covers.
class DeferredTransportTest : public ::testing::Test, private Transport::Sink {
 protected:
  DeferredTransportTest() : loop_(*NewEventLoop(platform_)) {
    auto [first, second] = NewSocketPair(loop_.get(), platform_.sockets);
    peer_ = std::make_unique<TestPeer>(std::move(first));
    transport_ = NewDeferredTransport(loop_.get(), std::move(second));
    transport_->Start(this);
  }

  void RunIterations() { sluice::RunIterations(loop_.get(), 1); }
  void Open() {
    ASSERT_TRUE(RunUntil(loop_.get(), [&] { return opens_ == 1; }));
  }
  // Returns when the kernel has the bytes for the transport.
  void PeerSends(absl::string_view bytes) {
    ASSERT_EQ(peer_->Send(bytes), bytes.size());
    ASSERT_TRUE(
        RunUntil(loop_.get(), [&] { return transport_->HasUnreadInput(); }));
  }

  const Platform platform_ = LinuxPlatform();
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<TestPeer> peer_;
  OutputQueue output_;
  TransportPtr transport_;
  int opens_ = 0;
  std::string input_;
  uint64_t sent_ = 0;

 private:
  void OnOpen() override { ++opens_; }
  void OnInput(absl::string_view bytes) override {
    input_.append(bytes.data(), bytes.size());
  }
  void OnInputEnd() override {}
  void OnSent(uint64_t bytes) override { sent_ += bytes; }
  void OnError(absl::Status, CloseReason) override {}
};

// Sets *live to false in its destructor.
class LivingSegment final : public Segment {
 public:
  explicit LivingSegment(bool* live) : live_(live) { *live_ = true; }
  uint64_t size() const override { return bytes_.size() - consumed_; }
  absl::string_view Bytes() override {
    return absl::string_view(bytes_).substr(consumed_);
  }

 private:
  ~LivingSegment() override { *live_ = false; }
  void Consume(uint64_t n) override { consumed_ += n; }

  const std::string bytes_ = std::string(1000, 'x');
  uint64_t consumed_ = 0;
  bool* const live_;
};

TEST_F(DeferredTransportTest, OpensAnIterationAfterTheInnerTransport) {
  RunIterations();
  EXPECT_EQ(opens_, 0);
  RunIterations();
  EXPECT_EQ(opens_, 1);
}

TEST_F(DeferredTransportTest, TrySendTakesNothing) {
  Open();
  const absl::string_view piece = "piece";
  EXPECT_EQ(transport_->TrySend(absl::MakeConstSpan(&piece, 1)), 0u);
}

TEST_F(DeferredTransportTest, ReportsInputAnIterationAfterItWasReceived) {
  Open();
  PeerSends("input");
  transport_->SetReading(true);
  RunIterations();
  EXPECT_EQ(input_, "");
  RunIterations();
  EXPECT_EQ(input_, "input");
}

TEST_F(DeferredTransportTest, KeepsReceivedBytesWhileReadingIsOff) {
  Open();
  PeerSends("input");
  transport_->SetReading(true);
  RunIterations();
  transport_->SetReading(false);
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(input_, "");
  EXPECT_TRUE(transport_->HasUnreadInput());
  transport_->SetReading(true);
  EXPECT_EQ(input_, "");
  RunIterations();
  EXPECT_EQ(input_, "input");
}

TEST_F(DeferredTransportTest,
       ReportsASendAnIterationAfterTheKernelHasTheBytes) {
  Open();
  bool live;
  output_.Append(new LivingSegment(&live));
  transport_->Flush(&output_);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] {
    peer_->Receive();
    return peer_->received_bytes() > 0;
  }));
  EXPECT_EQ(sent_, 0u);
  EXPECT_TRUE(live);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return sent_ == 1000; }));
  EXPECT_FALSE(live);
}

TEST_F(DeferredTransportTest, PinnedSegmentsOutliveCloseAndQueue) {
  Open();
  bool live;
  output_.Append(new LivingSegment(&live));
  transport_->Flush(&output_);
  RunIterations();
  transport_.reset();
  output_.Consume(output_.size());
  EXPECT_TRUE(live);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return !live; }));
}

TEST_F(DeferredTransportTest, TheLoopsEndFreesSegmentsThatCloseLeft) {
  Open();
  bool live;
  output_.Append(new LivingSegment(&live));
  transport_->Flush(&output_);
  RunIterations();
  transport_.reset();
  output_.Consume(output_.size());
  EXPECT_TRUE(live);
  loop_.reset();
  EXPECT_FALSE(live);
}

}  // namespace
}  // namespace sluice

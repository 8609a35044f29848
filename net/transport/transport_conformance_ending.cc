// How connections end: the second half of the suite.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport_conformance.h"
#include "sluice/net/transport/transport_link.h"

namespace sluice {
namespace {

using Link = TransportLink;

// The message has the errno.
auto IsReset() {
  return StatusIs(
      absl::StatusCode::kUnavailable,
      ::testing::HasSubstr(absl::StrCat("(errno ", ECONNRESET, ")")));
}

// A segment of many bytes in contiguous memory; counts the live ones.
class CountedSegment final : public Segment {
 public:
  CountedSegment(absl::string_view bytes, int* live)
      : bytes_(bytes), live_(live) {
    ++*live_;
  }
  uint64_t size() const override { return bytes_.size() - consumed_; }
  absl::string_view Bytes() override {
    return absl::string_view(bytes_).substr(consumed_);
  }

 private:
  ~CountedSegment() override { --*live_; }
  void Consume(uint64_t n) override { consumed_ += n; }

  const std::string bytes_;
  size_t consumed_ = 0;
  int* const live_;
};

enum class Callback { kOnOpen, kOnInput, kOnInputEnd, kOnSent, kOnError };

}  // namespace

TEST_P(TransportConformanceTest, DestructionIsAResetForThePeer) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  link.Destroy();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_EQ(link.peer.error(), ECONNRESET);
}

TEST_P(TransportConformanceTest, AGracefulCloseIsFinForThePeer) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  OutputQueue output;
  output.Append("all");
  link.Flush(&output);
  ASSERT_TRUE(link.Until([&] { return output.empty(); }));
  link.Close(CloseMode::kGraceful);
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended());
  EXPECT_EQ(link.peer.received(), "all");
}

TEST_P(TransportConformanceTest, AGracefulCloseWithOutputLeftIsAReset) {
  for (const bool shutdown : {false, true}) {
    Link link(*world_, loop_.get(), kSmallBuffers);
    link.Open();
    OutputQueue output;
    output.Append(ManyBytes());
    link.Flush(&output);
    if (shutdown) link.ShutdownWrite();
    sluice::RunIterations(loop_.get());
    link.Close(CloseMode::kGraceful);
    ASSERT_TRUE(link.UntilPeerIsClosed());
    EXPECT_EQ(link.peer.error(), ECONNRESET);
    EXPECT_FALSE(output.empty());
  }
}

TEST_P(TransportConformanceTest, EachCallbackMayCloseAndDestroyItsSink) {
  for (const Callback callback :
       {Callback::kOnOpen, Callback::kOnInput, Callback::kOnInputEnd,
        Callback::kOnSent, Callback::kOnError}) {
    for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
      SCOPED_TRACE(absl::StrCat("callback ", static_cast<int>(callback),
                                " mode ", static_cast<int>(mode)));
      Link link(*world_, loop_.get());
      auto output = std::make_unique<OutputQueue>();
      output->Append("output");
      bool closed = false;
      const auto close = [&] {
        link.Close(mode);
        output.reset();
        link.sink.reset();
        closed = true;
      };
      TransportRecorder& sink = *link.sink;
      sink.on_open = [&] {
        link.SetReading(true);
        if (callback == Callback::kOnOpen) close();
        if (callback == Callback::kOnSent) link.Flush(output.get());
      };
      if (callback == Callback::kOnInput) sink.on_input = close;
      if (callback == Callback::kOnInputEnd) sink.on_input_end = close;
      if (callback == Callback::kOnSent) sink.on_sent = close;
      if (callback == Callback::kOnError) sink.on_error = close;
      link.Start();
      if (callback == Callback::kOnInput || callback == Callback::kOnInputEnd) {
        ASSERT_TRUE(link.PeerSends("input"));
      }
      if (callback == Callback::kOnInputEnd) link.peer.ShutdownWrite();
      if (callback == Callback::kOnError) link.peer.Close(CloseMode::kReset);
      ASSERT_TRUE(link.Until([&] { return closed; }));
      sluice::RunIterations(loop_.get());
      if (callback == Callback::kOnError) continue;
      ASSERT_TRUE(link.UntilPeerIsClosed());
      EXPECT_EQ(link.peer.error(), mode == CloseMode::kReset ? ECONNRESET : 0);
    }
  }
}

TEST_P(TransportConformanceTest, CloseWhileMuchArrivesEndsTheCalls) {
  Link link(*world_, loop_.get());
  link.sink->on_input = [&] { link.Close(CloseMode::kReset); };
  link.Open();
  ASSERT_TRUE(link.PeerSends(TestPattern(200'000)));
  link.peer.ShutdownWrite();
  link.SetReading(true);
  ASSERT_TRUE(link.Until([&] { return link.sink->closed; }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(link.sink->inputs, 1);
}

TEST_P(TransportConformanceTest, APeersResetIsTheLastCall) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  link.peer.Close(CloseMode::kReset);
  ASSERT_TRUE(link.Until([&] { return link.sink->errors == 1; }));
  EXPECT_THAT(link.sink->error, IsReset());
  EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
  sluice::RunIterations(loop_.get());
}

TEST_P(TransportConformanceTest, APeersResetIsNoticedWhileReadingIsOff) {
  // Reading is off from the start or switched off, with kept input or without.
  for (const bool read_first : {false, true}) {
    for (const bool kept : {false, true}) {
      Link link(*world_, loop_.get());
      read_first ? link.OpenAndRead() : link.Open();
      sluice::RunIterations(loop_.get());
      link.SetReading(false);
      if (kept) {
        ASSERT_TRUE(link.PeerSends("kept"));
        ASSERT_TRUE(link.Until([&] { return link.HasUnreadInput(); }));
      }
      sluice::RunIterations(loop_.get());
      link.peer.Close(CloseMode::kReset);
      ASSERT_TRUE(link.Until([&] { return link.sink->errors == 1; }));
      EXPECT_THAT(link.sink->error, IsReset());
      EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
      sluice::RunIterations(loop_.get());
      EXPECT_EQ(link.sink->inputs, 0);
    }
  }
}

TEST_P(TransportConformanceTest, APeersResetIsNoticedAfterItsFin) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  sluice::RunIterations(loop_.get());
  link.peer.Close(CloseMode::kReset);
  ASSERT_TRUE(link.Until([&] { return link.sink->errors == 1; }));
  EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
}

TEST_P(TransportConformanceTest, APeersResetIsNoticedBeforeItIsOpen) {
  Link link(*world_, loop_.get());
  link.peer.Close(CloseMode::kReset);
  link.Start();
  ASSERT_TRUE(link.Until([&] { return link.sink->errors == 1; }));
  EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
}

TEST_P(TransportConformanceTest, APeersResetEndsAFlush) {
  for (const bool reading : {false, true}) {
    Link link(*world_, loop_.get(), kSmallBuffers);
    link.Open();
    link.SetReading(reading);
    OutputQueue output;
    output.Append(ManyBytes());
    link.Flush(&output);
    sluice::RunIterations(loop_.get());
    link.peer.Close(CloseMode::kReset);
    ASSERT_TRUE(link.Until([&] { return link.sink->errors == 1; }));
    EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
    sluice::RunIterations(loop_.get());
    EXPECT_FALSE(output.empty());
    link.Destroy();  // before the queue that it was sending
  }
}

// A SIGPIPE would end the test process.
TEST_P(TransportConformanceTest, AWriteToAClosedPeerIsAnError) {
  for (const bool reading : {false, true}) {
    Link link(*world_, loop_.get());
    link.Open();
    link.SetReading(reading);
    link.peer.Close(CloseMode::kGraceful);
    sluice::RunIterations(loop_.get());
    // The peer answers more bytes with RST; after that, a write gets EPIPE.
    OutputQueue output;
    ASSERT_TRUE(link.Until([&] {
      if (link.sink->errors == 0) {
        output.Append("is anybody there?");
        link.Flush(&output);
      }
      return link.sink->errors == 1;
    }));
    EXPECT_EQ(link.sink->reason, CloseReason::kPeerReset);
    link.Destroy();
  }
}

TEST_P(TransportConformanceTest, AQueueMayBeDestroyedAfterClose) {
  const std::string& bytes = ManyBytes();
  for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
    // Each number of iterations stops at another moment of the send.
    for (int iterations = 0; iterations < 8; ++iterations) {
      SCOPED_TRACE(iterations);
      int live = 0;
      Link link(*world_, loop_.get(), kSmallBuffers);
      link.Open();
      auto output = std::make_unique<OutputQueue>();
      output->Append(new CountedSegment("first", &live));
      output->Append("between");
      output->Append(new CountedSegment(bytes, &live));
      link.Flush(output.get());
      sluice::RunIterations(loop_.get(), iterations);
      link.Close(mode);
      output.reset();
      ASSERT_TRUE(link.Until([&] { return live == 0; }));
    }
  }
}

TEST_P(TransportConformanceTest, ALoopMayEndBeforeItsTransportsAreClosed) {
  int live = 0;
  OutputQueue output;
  // The transports are idle, sending, with kept input, and not open yet.
  std::vector<std::unique_ptr<Link>> links;
  for (int i = 0; i < 4; ++i) {
    links.push_back(
        std::make_unique<Link>(*world_, loop_.get(), kSmallBuffers));
    if (i < 3) links.back()->OpenAndRead();
  }
  ASSERT_TRUE(links[2]->PeerSends("kept"));
  output.Append(new CountedSegment(ManyBytes(), &live));
  links[1]->Flush(&output);
  sluice::RunIterations(loop_.get(), 1);
  links[3]->Start();
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  for (const auto& link : links) {
    link->Close(CloseMode::kGraceful);
    link->sink.reset();
  }
  loop_.reset();
  output.Consume(output.size());
  EXPECT_EQ(live, 0);
  auto other_loop = NewEventLoop(world_->platform());
  SLUICE_ASSERT_OK(other_loop);
  EXPECT_TRUE(RunUntil(other_loop->get(), [&] {
    links[0]->peer.Receive();
    return links[0]->peer.ended();
  }));
}

}  // namespace sluice

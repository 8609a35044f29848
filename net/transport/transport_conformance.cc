#include "sluice/net/transport/transport_conformance.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

using Link = TransportLink;

class KernelTransportWorld final : public TransportWorld {
 public:
  KernelTransportWorld(
      std::function<TransportPtr(EventLoop*, Socket)> new_transport,
      std::function<std::unique_ptr<TransportPeerCodec>()> new_codec)
      : platform_(LinuxPlatform()), new_codec_(std::move(new_codec)) {
    platform_.new_transport = std::move(new_transport);
  }
  const Platform& platform() const override { return platform_; }
  std::unique_ptr<TransportPeerCodec> NewPeerCodec() const override {
    return new_codec_();
  }

 private:
  Platform platform_;
  const std::function<std::unique_ptr<TransportPeerCodec>()> new_codec_;
};

}  // namespace

TransportBackend KernelTransportBackend(
    std::string name,
    std::function<TransportPtr(EventLoop* loop, Socket socket)> new_transport,
    std::function<std::unique_ptr<TransportPeerCodec>()> new_codec) {
  return {std::move(name), [new_transport = std::move(new_transport),
                            new_codec = std::move(new_codec)] {
            return std::make_unique<KernelTransportWorld>(new_transport,
                                                          new_codec);
          }};
}

void TransportConformanceTest::SetUp() {
  auto loop = NewEventLoop(world_->platform());
  SLUICE_ASSERT_OK(loop);
  loop_ = *std::move(loop);
}

// Opening

TEST_P(TransportConformanceTest, OpensOnceAndFirstAndNotInsideStart) {
  Link link(*world_, loop_.get());
  ASSERT_TRUE(link.PeerSends("early"));
  link.peer.ShutdownWrite();
  link.sink->on_open = [&] { link.SetReading(true); };
  link.Start();
  EXPECT_EQ(link.sink->opens, 0);
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  EXPECT_EQ(link.sink->opens, 1);
  EXPECT_EQ(link.sink->input, "early");
}

TEST_P(TransportConformanceTest, ReadingStartsOff) {
  Link link(*world_, loop_.get());
  ASSERT_TRUE(link.PeerSends("early"));
  link.Open();
  ASSERT_TRUE(link.Until([&] { return link.HasUnreadInput(); }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(link.sink->inputs, 0);
}

TEST_P(TransportConformanceTest, ReadingMayBeAskedForBeforeItIsOpen) {
  Link link(*world_, loop_.get());
  ASSERT_TRUE(link.PeerSends("early"));
  link.Start();
  link.SetReading(true);
  ASSERT_TRUE(link.Until([&] { return link.sink->input == "early"; }));
}

TEST_P(TransportConformanceTest, CloseBeforeOnOpenCallsNothing) {
  for (const bool started : {false, true}) {
    for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
      Link link(*world_, loop_.get());
      if (started) link.Start();
      link.Close(mode);
      ASSERT_TRUE(link.UntilPeerIsClosed());
      EXPECT_EQ(link.peer.error(), mode == CloseMode::kReset ? ECONNRESET : 0);
      sluice::RunIterations(loop_.get());
      EXPECT_EQ(link.sink->opens, 0);
    }
  }
}

TEST_P(TransportConformanceTest, AddressAsksTheKernel) {
  Link link(*world_, loop_.get());
  link.Open();
  EXPECT_EQ(link.Address(SocketApi::End::kPeer).value(),
            link.peer.Address(SocketApi::End::kLocal));
  EXPECT_EQ(link.Address(SocketApi::End::kLocal).value(),
            link.peer.Address(SocketApi::End::kPeer));
}

// Receiving

TEST_P(TransportConformanceTest, InputArrivesInOrderAndComplete) {
  for (const size_t size : {size_t{1}, size_t{1000}, size_t{64 * 1024},
                            size_t{64 * 1024 + 1}, kManyBytes}) {
    SCOPED_TRACE(size);
    Link link(*world_, loop_.get());
    link.OpenAndRead();
    const std::string bytes = TestPattern(size);
    ASSERT_TRUE(link.PeerSends(bytes));
    ASSERT_TRUE(link.Until([&] { return link.sink->input.size() >= size; }));
    EXPECT_TRUE(SameBytes(link.sink->input, bytes));
  }
}

TEST_P(TransportConformanceTest, InputMayLieInMemoryOfTheSink) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.sink->input_buffer.resize(100'000);
  link.OpenAndRead();
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link.PeerSends(bytes));
  ASSERT_TRUE(
      link.Until([&] { return link.sink->input.size() >= bytes.size(); }));
  EXPECT_TRUE(SameBytes(link.sink->input, bytes));
}

TEST_P(TransportConformanceTest, ReadingOffKeepsInputForReadingOn) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  for (int i = 0; i < 3; ++i) {
    link.SetReading(false);
    link.sink->input.clear();
    ASSERT_TRUE(link.PeerSends("kept"));
    ASSERT_TRUE(link.Until([&] { return link.HasUnreadInput(); }));
    sluice::RunIterations(loop_.get());
    EXPECT_EQ(link.sink->input, "");
    link.SetReading(true);
    EXPECT_EQ(link.sink->input, "");
    ASSERT_TRUE(link.Until([&] { return link.sink->input == "kept"; }));
  }
}

TEST_P(TransportConformanceTest, ReadingSwitchedOffWhileInputArrivesEndsIt) {
  Link link(*world_, loop_.get());
  link.sink->on_input = [&] { link.SetReading(false); };
  link.OpenAndRead();
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link.PeerSends(absl::string_view(bytes).substr(0, 200'000)));
  ASSERT_TRUE(link.Until([&] { return link.sink->inputs == 1; }));
  sluice::RunIterations(loop_.get());
  for (int inputs = 1; link.sink->input.size() < 200'000; ++inputs) {
    EXPECT_EQ(link.sink->inputs, inputs);
    link.SetReading(true);
    ASSERT_TRUE(link.Until([&] { return link.sink->inputs > inputs; }));
    sluice::RunIterations(loop_.get());
  }
  EXPECT_TRUE(
      SameBytes(link.sink->input, absl::string_view(bytes).substr(0, 200'000)));
}

TEST_P(TransportConformanceTest, ReadingOffAndOnWithinOneCallGoesOn) {
  Link link(*world_, loop_.get());
  link.sink->on_input = [&] {
    link.SetReading(false);
    link.SetReading(true);
  };
  link.OpenAndRead();
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link.PeerSends(bytes));
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  EXPECT_TRUE(SameBytes(link.sink->input, bytes));
}

TEST_P(TransportConformanceTest, ReadingOffIsBackPressureForThePeer) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.OpenAndRead();
  link.SetReading(false);
  const std::string& bytes = ManyBytes();
  size_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    sent += link.peer.Send(absl::string_view(bytes).substr(sent));
    sluice::RunIterations(loop_.get());
  }
  EXPECT_LT(sent, bytes.size());
  link.SetReading(true);
  ASSERT_TRUE(link.PeerSends(absl::string_view(bytes).substr(sent)));
  ASSERT_TRUE(
      link.Until([&] { return link.sink->input.size() >= bytes.size(); }));
  EXPECT_TRUE(SameBytes(link.sink->input, bytes));
}

TEST_P(TransportConformanceTest, FinIsTheEndOfInputOnceAndAfterAllOfIt) {
  for (const size_t size : {size_t{0}, size_t{1}, kManyBytes}) {
    SCOPED_TRACE(size);
    Link link(*world_, loop_.get());
    link.OpenAndRead();
    const std::string bytes = TestPattern(size);
    ASSERT_TRUE(link.PeerSends(bytes));
    link.peer.ShutdownWrite();
    ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
    EXPECT_TRUE(SameBytes(link.sink->input, bytes));
    link.SetReading(false);
    link.SetReading(true);
    sluice::RunIterations(loop_.get());
    EXPECT_EQ(link.sink->input_ends, 1);
  }
}

TEST_P(TransportConformanceTest, TheEndOfInputWaitsForReading) {
  Link link(*world_, loop_.get());
  link.Open();
  ASSERT_TRUE(link.PeerSends("last"));
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.HasUnreadInput(); }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(link.sink->input_ends, 0);
  link.sink->on_input = [&] { link.SetReading(false); };
  link.SetReading(true);
  ASSERT_TRUE(link.Until([&] { return link.sink->input == "last"; }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(link.sink->input_ends, 0);
  link.SetReading(true);
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
}

TEST_P(TransportConformanceTest, UnreadInputIsUndeliveredInput) {
  Link link(*world_, loop_.get());
  link.OpenAndRead();
  EXPECT_FALSE(link.HasUnreadInput());
  ASSERT_TRUE(link.PeerSends("first"));
  ASSERT_TRUE(link.Until([&] { return link.sink->input == "first"; }));
  EXPECT_FALSE(link.HasUnreadInput());
  link.SetReading(false);
  ASSERT_TRUE(link.PeerSends("second"));
  ASSERT_TRUE(link.Until([&] { return link.HasUnreadInput(); }));
  sluice::RunIterations(loop_.get());
  EXPECT_TRUE(link.HasUnreadInput());
  link.SetReading(true);
  ASSERT_TRUE(link.Until([&] { return link.sink->input == "firstsecond"; }));
  EXPECT_FALSE(link.HasUnreadInput());
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  EXPECT_FALSE(link.HasUnreadInput());
}

// Sending

TEST_P(TransportConformanceTest, FlushSendsTheRestOfTrySend) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.Open();
  const std::string& bytes = ManyBytes();
  // More pieces than one system call takes, and then a large one.
  const auto pieces_from = [&](size_t position) {
    std::vector<absl::string_view> pieces;
    for (; position < 10'000; position += pieces.back().size()) {
      pieces.push_back(
          absl::string_view(bytes).substr(position, 100 - position % 100));
    }
    pieces.push_back(absl::string_view(bytes).substr(position));
    return pieces;
  };
  size_t taken = 0;
  while (const size_t more = link.TrySend(pieces_from(taken))) taken += more;
  ASSERT_LT(taken, bytes.size());
  OutputQueue output;
  output.Append(absl::string_view(bytes).substr(taken));
  link.Flush(&output);
  // The reader is slow, and reads little at a time.
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive(10'007);
    return link.peer.received().size() >= bytes.size();
  }));
  ASSERT_TRUE(link.Until([&] { return output.empty(); }));
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(taken + link.sink->sent, bytes.size());
}

TEST_P(TransportConformanceTest, BytesAppendedToAFlushedQueueAreSentToo) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.Open();
  const std::string& bytes = ManyBytes();
  OutputQueue output;
  size_t appended = 0;
  const auto append = [&](size_t size) {
    output.Append(absl::string_view(bytes).substr(appended, size));
    appended = std::min(bytes.size(), appended + size);
    link.Flush(&output);
  };
  append(1);
  ASSERT_TRUE(link.Until([&] {
    // Small pieces go to blocks that are already being sent.
    if (appended < bytes.size()) append(appended % 3 == 0 ? 100 : 50'000);
    link.peer.Receive(60'000);
    return link.peer.received().size() >= bytes.size();
  }));
  ASSERT_TRUE(link.Until([&] { return output.empty(); }));
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(link.sink->sent, bytes.size());
}

TEST_P(TransportConformanceTest, TheQueueMayBeAppendedToInOnSent) {
  Link link(*world_, loop_.get());
  link.Open();
  OutputQueue output;
  int rounds = 0;
  link.sink->on_sent = [&] {
    if (!output.empty() || ++rounds == 5) return;
    output.Append(absl::StrCat(rounds));
    link.Flush(&output);
  };
  output.Append("0");
  link.Flush(&output);
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return rounds == 5 && link.peer.received().size() == 5;
  }));
  EXPECT_EQ(link.peer.received(), "01234");
}

TEST_P(TransportConformanceTest, TheQueueMayBeDestroyedInTheOnSentThatEmptied) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.Open();
  const std::string& bytes = ManyBytes();
  auto output = std::make_unique<OutputQueue>();
  output->Append(bytes);
  link.sink->on_sent = [&] {
    EXPECT_EQ(link.sink->sent + output->size(), bytes.size());
    if (output->empty()) output.reset();
  };
  link.Flush(output.get());
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return output == nullptr;
  }));
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return link.peer.received().size() >= bytes.size();
  }));
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  // It takes another one.
  OutputQueue second;
  second.Append("second");
  link.sink->on_sent = nullptr;
  link.Flush(&second);
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return second.empty() &&
           link.peer.received().size() == bytes.size() + strlen("second");
  }));
}

TEST_P(TransportConformanceTest, ShutdownWriteComesAfterAllThatWasFlushed) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.Open();
  const std::string& bytes = ManyBytes();
  OutputQueue output;
  output.Append(bytes);
  link.Flush(&output);
  link.ShutdownWrite();
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended_with_mark());
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(link.sink->sent, bytes.size());
  link.ShutdownWrite();
}

TEST_P(TransportConformanceTest, ShutdownWriteWithNothingToSendIsFin) {
  Link link(*world_, loop_.get());
  link.Open();
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended_with_mark());
}

TEST_P(TransportConformanceTest, SendsForLongAfterThePeersFin) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.OpenAndRead();
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  const std::string& bytes = ManyBytes();
  OutputQueue output;
  output.Append(bytes);
  link.Flush(&output);
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return output.empty();
  }));
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended_with_mark());
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(link.sink->errors, 0);
}

TEST_P(TransportConformanceTest, ReceivesForLongAfterShutdownWrite) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.OpenAndRead();
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended_with_mark());
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link.PeerSends(bytes));
  link.peer.ShutdownWrite();
  ASSERT_TRUE(link.Until([&] { return link.sink->input_ends == 1; }));
  EXPECT_TRUE(SameBytes(link.sink->input, bytes));
  EXPECT_EQ(link.sink->errors, 0);
}

TEST_P(TransportConformanceTest, SendsAndReceivesAtOnce) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  const std::string& bytes = ManyBytes();
  OutputQueue output;
  output.Append(bytes);
  link.OpenAndRead();
  link.Flush(&output);
  absl::string_view rest = bytes;
  ASSERT_TRUE(link.Until([&] {
    rest.remove_prefix(link.peer.Send(rest.substr(0, 50'000)));
    link.peer.Receive(50'000);
    return link.sink->input.size() >= bytes.size() &&
           link.peer.received().size() >= bytes.size();
  }));
  EXPECT_TRUE(SameBytes(link.sink->input, bytes));
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
}

}  // namespace sluice

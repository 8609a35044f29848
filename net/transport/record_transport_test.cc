#include "sluice/net/transport/record_transport.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/record_codec.h"
#include "sluice/net/transport/scripted_transport.h"
#include "sluice/net/transport/test_loop.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"
#include "sluice/net/transport/transport_layer.h"

namespace sluice {
namespace {

// Tests beyond the contract, which //net/transport:transport_conformance_test
// covers.

// A record layer over a scripted transport, and its sink.
class Layer final : private Transport::Sink {
 public:
  explicit Layer(TestLoop* loop)
      : transport(NewRecordTransport(loop->loop(), inner.NewTransport())) {
    transport->Start(this);
    transport->SetReading(true);
  }
  // Opens the inner transport and receives the peer's hello, in pieces of
  // `step` bytes.
  void Open(size_t step = SIZE_MAX) {
    inner.Open();
    Input(kRecordHello, step);
    (void)inner.TakeWire();
  }
  void Input(absl::string_view wire, size_t step = SIZE_MAX) {
    for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
      if (errors > 0) return;
      inner.Input(wire.substr(0, step));
    }
  }
  size_t TrySend(absl::string_view bytes) {
    return transport->TrySend(absl::MakeConstSpan(&bytes, 1));
  }

  ScriptedTransport inner;
  int opens = 0;
  std::vector<std::string> inputs;
  int input_ends = 0;
  uint64_t sent = 0;
  int errors = 0;
  absl::Status error;
  CloseReason reason = CloseReason::kNormal;
  std::function<void()> on_input;
  std::function<void()> on_sent;
  OutputQueue output;
  TransportPtr transport;

 private:
  void OnOpen() override { ++opens; }
  void OnInput(absl::string_view bytes) override {
    EXPECT_EQ(opens, 1);
    inputs.emplace_back(bytes);
    if (on_input) on_input();
  }
  void OnInputEnd() override { ++input_ends; }
  void OnSent(uint64_t bytes) override {
    sent += bytes;
    if (on_sent) on_sent();
  }
  void OnError(absl::Status status, CloseReason why) override {
    ++errors;
    error = std::move(status);
    reason = why;
  }
};

using Inputs = std::vector<std::string>;

class RecordTransportTest : public ::testing::Test {
 protected:
  TestLoop loop_;
};

TEST_F(RecordTransportTest, IsALayer) {
  const TransportLayer layer = NewRecordTransport;
  ScriptedTransport inner;
  TransportPtr transport = layer(loop_.loop(), inner.NewTransport());
  EXPECT_FALSE(inner.started());
  transport.reset();
  EXPECT_EQ(inner.closed(), CloseMode::kReset);
}

// The handshake

TEST_F(RecordTransportTest, OpensWhenBothHellosArePast) {
  for (const bool peer_first : {false, true}) {
    Layer layer(&loop_);
    layer.inner.AllowTrySend(3);
    layer.inner.Open();
    EXPECT_EQ(layer.inner.wire(), kRecordHello.substr(0, 3));
    if (peer_first) {
      layer.Input(kRecordHello, 1);
    } else {
      layer.inner.Send();
    }
    EXPECT_EQ(layer.opens, 0);
    if (peer_first) {
      for (size_t i = 3; i < kRecordHello.size(); ++i) {
        EXPECT_EQ(layer.opens, 0);
        layer.inner.Send(1);
      }
    } else {
      layer.Input(kRecordHello, 1);
    }
    EXPECT_EQ(layer.opens, 1);
    EXPECT_EQ(layer.inner.wire(), kRecordHello);
    EXPECT_EQ(layer.sent, 0u);
  }
}

TEST_F(RecordTransportTest, BytesBehindTheHelloBelongToTheStream) {
  const std::string wire =
      absl::StrCat(kRecordHello, EncodeRecord(0, "first"), EncodeRecord(1, ""));
  for (size_t cut = 1; cut <= wire.size(); ++cut) {
    SCOPED_TRACE(cut);
    Layer layer(&loop_);
    layer.inner.Open();
    layer.Input(wire.substr(0, cut));
    layer.Input(wire.substr(cut));
    EXPECT_EQ(layer.opens, 1);
    EXPECT_EQ(layer.inputs, Inputs{"first"});
    EXPECT_EQ(layer.input_ends, 1);
    EXPECT_EQ(layer.errors, 0);
  }
}

TEST_F(RecordTransportTest, BytesBehindTheHelloWaitForReading) {
  Layer layer(&loop_);
  layer.transport->SetReading(false);
  EXPECT_TRUE(layer.inner.reading());  // for the hello
  layer.inner.Open();
  layer.Input(absl::StrCat(kRecordHello, EncodeRecord(0, "first")));
  EXPECT_FALSE(layer.inner.reading());
  loop_.RunIterations(2);
  EXPECT_EQ(layer.opens, 1);
  EXPECT_EQ(layer.inputs, Inputs{});
  EXPECT_TRUE(layer.transport->HasUnreadInput());
  layer.transport->SetReading(true);
  EXPECT_EQ(layer.inputs, Inputs{});
  loop_.RunIterations(2);
  EXPECT_EQ(layer.inputs, Inputs{"first"});
  EXPECT_FALSE(layer.transport->HasUnreadInput());
}

TEST_F(RecordTransportTest, ReadsNothingBetweenThePeersHelloAndOnOpen) {
  Layer layer(&loop_);
  layer.inner.AllowTrySend(0);
  layer.inner.Open();
  layer.Input(kRecordHello);
  EXPECT_FALSE(layer.inner.reading());
  layer.inner.Send();
  EXPECT_EQ(layer.opens, 1);
  EXPECT_TRUE(layer.inner.reading());
}

TEST_F(RecordTransportTest, EachChangedByteOfTheHelloIsAnError) {
  for (size_t i = 0; i < kRecordHello.size(); ++i) {
    Layer layer(&loop_);
    layer.inner.Open();
    std::string hello(kRecordHello);
    hello[i] ^= 1;
    layer.Input(hello.substr(0, i + 1), 1);
    EXPECT_EQ(layer.opens, 0);
    EXPECT_EQ(layer.errors, 1);
    EXPECT_EQ(layer.reason, CloseReason::kIoError);
    EXPECT_THAT(layer.error,
                StatusIs(absl::StatusCode::kDataLoss,
                         "connection on 127.0.0.1:7: the peer has sent a bad "
                         "hello"));
  }
}

TEST_F(RecordTransportTest, FinInTheHelloIsAnError) {
  for (size_t size = 0; size < kRecordHello.size(); ++size) {
    Layer layer(&loop_);
    layer.inner.Open();
    layer.Input(kRecordHello.substr(0, size));
    layer.inner.InputEnd();
    EXPECT_EQ(layer.errors, 1);
    EXPECT_EQ(layer.reason, CloseReason::kPeerReset);
    EXPECT_EQ(layer.opens, 0);
  }
}

// Input

TEST_F(RecordTransportTest, RecordsMayBeCutAnywhere) {
  const std::string large = TestPattern(kMaxRecordPayload);
  const std::string wire =
      absl::StrCat(EncodeRecord(0, "first"), EncodeRecord(1, "2"),
                   EncodeRecord(2, "third"), EncodeRecord(3, ""));
  for (size_t step = 1; step <= wire.size(); ++step) {
    SCOPED_TRACE(step);
    Layer layer(&loop_);
    layer.Open(step);
    layer.Input(wire, step);
    EXPECT_EQ(layer.inputs, (Inputs{"first", "2", "third"}));
    EXPECT_EQ(layer.input_ends, 1);
    layer.inner.InputEnd();
    EXPECT_EQ(layer.input_ends, 1);
    EXPECT_EQ(layer.errors, 0);
  }
  Layer layer(&loop_);
  layer.Open();
  layer.Input(EncodeRecord(0, large), 1000);
  EXPECT_TRUE(layer.inputs == Inputs{large});
}

TEST_F(RecordTransportTest, ReadingOffBetweenTheRecordsOfOneRead) {
  Layer layer(&loop_);
  layer.Open();
  layer.on_input = [&] { layer.transport->SetReading(false); };
  layer.Input(absl::StrCat(EncodeRecord(0, "1"), EncodeRecord(1, "2"),
                           EncodeRecord(2, "")));
  EXPECT_EQ(layer.inputs, Inputs{"1"});
  EXPECT_FALSE(layer.inner.reading());
  layer.transport->SetReading(true);
  loop_.RunIterations(2);
  EXPECT_EQ(layer.inputs, (Inputs{"1", "2"}));
  EXPECT_EQ(layer.input_ends, 0);
  layer.transport->SetReading(true);
  loop_.RunIterations(2);
  EXPECT_EQ(layer.input_ends, 1);
}

TEST_F(RecordTransportTest, AHeldPartOfARecordIsUnreadInput) {
  Layer layer(&loop_);
  layer.Open();
  layer.Input(EncodeRecord(0, "first").substr(0, 4));
  EXPECT_TRUE(layer.transport->HasUnreadInput());
}

TEST_F(RecordTransportTest, UnreadInputIsExactInsideOnInput) {
  Layer layer(&loop_);
  layer.Open();
  std::vector<bool> unread;
  layer.on_input = [&] { unread.push_back(layer.transport->HasUnreadInput()); };
  layer.Input(EncodeRecord(0, "1") + EncodeRecord(1, "2"));
  EXPECT_EQ(unread, (std::vector<bool>{true, false}));
}

TEST_F(RecordTransportTest, EachChangedByteOfARecordIsAnError) {
  // The first record shows that what came before the error is delivered.
  const std::string record = EncodeRecord(1, "second");
  for (size_t i = 0; i < record.size(); ++i) {
    SCOPED_TRACE(i);
    Layer layer(&loop_);
    layer.Open();
    std::string bad = record;
    bad[i] ^= 0x40;
    layer.Input(EncodeRecord(0, "first") + bad + std::string(20'000, 'x'));
    EXPECT_EQ(layer.inputs, Inputs{"first"});
    EXPECT_EQ(layer.errors, 1);
    EXPECT_EQ(layer.reason, CloseReason::kIoError);
    EXPECT_EQ(layer.error.code(), absl::StatusCode::kDataLoss);
    EXPECT_FALSE(layer.inner.reading());
  }
}

TEST_F(RecordTransportTest, ARecordOverTheBoundIsAnErrorAtItsLength) {
  Layer layer(&loop_);
  layer.Open();
  layer.Input(absl::string_view("\x40\x01", 2), 1);
  EXPECT_EQ(layer.errors, 1);
  EXPECT_EQ(layer.reason, CloseReason::kIoError);
  EXPECT_EQ(layer.error.message(),
            "connection on 127.0.0.1:7: a record is too long");
}

TEST_F(RecordTransportTest, FinWithoutTheEndRecordIsAnError) {
  const std::string wire = EncodeRecord(0, "first") + EncodeRecord(1, "second");
  for (size_t size = 0; size <= wire.size(); ++size) {
    Layer layer(&loop_);
    layer.Open();
    layer.Input(wire.substr(0, size));
    layer.inner.InputEnd();
    EXPECT_EQ(layer.input_ends, 0);
    EXPECT_EQ(layer.errors, 1);
    EXPECT_EQ(layer.reason, CloseReason::kPeerReset);
    EXPECT_EQ(layer.error.message(),
              "connection on 127.0.0.1:7: the peer has closed without an end "
              "record");
  }
}

// Otherwise a sink that takes one record at a time would make the layer's
// memory grow.
TEST_F(RecordTransportTest, ReadsNoMoreWhileCompleteRecordsWait) {
  Layer layer(&loop_);
  layer.Open();
  layer.on_input = [&] { layer.transport->SetReading(false); };
  layer.Input(EncodeRecord(0, "1") + EncodeRecord(1, "2") +
              EncodeRecord(2, "3").substr(0, 5));
  EXPECT_EQ(layer.inputs, Inputs{"1"});
  EXPECT_FALSE(layer.inner.reading());
  layer.transport->SetReading(true);
  EXPECT_FALSE(layer.inner.reading());
  loop_.RunIterations(2);
  EXPECT_EQ(layer.inputs, (Inputs{"1", "2"}));
  EXPECT_FALSE(layer.inner.reading());
  // A part of a record does not wait for reading, but for the peer.
  layer.transport->SetReading(true);
  loop_.RunIterations(2);
  EXPECT_TRUE(layer.inner.reading());
}

TEST_F(RecordTransportTest, BytesAfterTheEndRecordAreAnError) {
  for (const bool together : {false, true}) {
    Layer layer(&loop_);
    layer.Open();
    layer.Input(EncodeRecord(0, "") + (together ? "x" : ""));
    layer.Input(together ? "" : "x");
    EXPECT_EQ(layer.input_ends, 1);
    EXPECT_EQ(layer.errors, 1);
    EXPECT_EQ(layer.reason, CloseReason::kIoError);
  }
}

TEST_F(RecordTransportTest, AnErrorOfTheInnerTransportIsPassedOn) {
  Layer layer(&loop_);
  layer.Open();
  layer.inner.Error(absl::UnavailableError("gone"), CloseReason::kPeerReset);
  EXPECT_EQ(layer.error, absl::UnavailableError("gone"));
  EXPECT_EQ(layer.reason, CloseReason::kPeerReset);
  layer.transport.release()->Close(CloseMode::kGraceful);
}

// Nothing follows an error, even if the inner transport works.
TEST_F(RecordTransportTest, AnErrorIsTheLastCall) {
  Layer layer(&loop_);
  layer.Open();
  layer.output.Append("output");
  layer.inner.AllowTrySend(0);
  layer.transport->Flush(&layer.output);
  layer.Input(std::string(2, '\xff'));
  EXPECT_EQ(layer.errors, 1);
  layer.inner.Send();
  layer.inner.Error(absl::UnavailableError("gone"), CloseReason::kPeerReset);
  EXPECT_EQ(layer.errors, 1);
  EXPECT_EQ(layer.sent, 0u);
  EXPECT_FALSE(layer.output.empty());
}

// Output

TEST_F(RecordTransportTest, TrySendTakesCompleteRecordsOnly) {
  const std::string bytes = TestPattern(kMaxRecordPayload + 100);
  const std::string wire = EncodeRecord(0, bytes.substr(0, kMaxRecordPayload)) +
                           EncodeRecord(1, bytes.substr(kMaxRecordPayload)) +
                           EncodeRecord(2, "more");
  for (const size_t allowed :
       {size_t{0}, size_t{1}, kMaxRecordPayload + kRecordOverhead - 1,
        kMaxRecordPayload + kRecordOverhead,
        kMaxRecordPayload + kRecordOverhead + 1, wire.size()}) {
    SCOPED_TRACE(allowed);
    Layer layer(&loop_);
    layer.Open();
    layer.inner.AllowTrySend(allowed);
    const size_t taken = layer.TrySend(bytes);
    EXPECT_EQ(taken,
              allowed < kMaxRecordPayload + kRecordOverhead
                  ? 0
                  : (allowed < wire.size() ? kMaxRecordPayload : bytes.size()));
    layer.output.Append(bytes.substr(taken));
    layer.output.Append("more");
    layer.transport->Flush(&layer.output);
    layer.inner.Send();
    layer.inner.Send();
    const auto peer = NewRecordPeerCodec();
    std::string plain;
    EXPECT_TRUE(
        peer->Receive(absl::StrCat(kRecordHello, layer.inner.wire()), &plain));
    EXPECT_TRUE(plain == bytes + "more");
    EXPECT_EQ(taken + layer.sent, bytes.size() + strlen("more"));
    EXPECT_TRUE(layer.output.empty());
  }
}

TEST_F(RecordTransportTest, TrySendMayBeTriedAgainByteForByte) {
  Layer layer(&loop_);
  layer.Open();
  const std::string wire = EncodeRecord(0, "bytes");
  for (size_t i = 0; i < wire.size(); ++i) {
    layer.inner.AllowTrySend(1);
    EXPECT_EQ(layer.TrySend("bytes"), i + 1 < wire.size() ? 0u : 5u);
    EXPECT_EQ(layer.inner.wire(), wire.substr(0, i + 1));
  }
  // The record that was begun counts for bytes that follow it too.
  layer.inner.AllowTrySend(1);
  EXPECT_EQ(layer.TrySend("again"), 0u);
  layer.inner.AllowTrySend(SIZE_MAX);
  EXPECT_EQ(layer.TrySend("again, and more"), strlen("again, and more"));
  EXPECT_EQ(layer.inner.wire(),
            wire + EncodeRecord(1, "again") + EncodeRecord(2, ", and more"));
}

TEST_F(RecordTransportTest, OtherBytesThanTheRestOfTrySendAreABug) {
  Layer layer(&loop_);
  layer.Open();
  layer.inner.AllowTrySend(1);
  EXPECT_EQ(layer.TrySend("bytes"), 0u);
  layer.output.Append("other bytes");
  EXPECT_DEATH(layer.transport->Flush(&layer.output),
               "the rest of TrySend\\(\\) must be flushed");
  EXPECT_DEATH(layer.TrySend("other bytes"),
               "the rest of TrySend\\(\\) must be sent next");
}

TEST_F(RecordTransportTest, OnSentCountsARecordWithItsLastByte) {
  Layer layer(&loop_);
  layer.Open();
  layer.output.Append("bytes");
  layer.transport->Flush(&layer.output);
  const size_t size = EncodeRecord(0, "bytes").size();
  for (size_t i = 0; i < size; ++i) {
    EXPECT_EQ(layer.sent, 0u);
    EXPECT_EQ(layer.output.size(), strlen("bytes"));
    layer.inner.Send(1);
  }
  EXPECT_EQ(layer.sent, strlen("bytes"));
  EXPECT_TRUE(layer.output.empty());
}

TEST_F(RecordTransportTest, EncodesFourRecordsAtMostAndTakesMoreAsTheyGo) {
  constexpr size_t kRecord = kMaxRecordPayload + kRecordOverhead;
  Layer layer(&loop_);
  layer.Open();
  layer.output.Append(ManyBytes());
  layer.transport->Flush(&layer.output);
  layer.transport->Flush(&layer.output);
  EXPECT_EQ(layer.inner.flushed(), 4 * kRecord);
  layer.inner.Send(kRecord - 1);
  EXPECT_EQ(layer.inner.flushed(), 3 * kRecord + 1);
  layer.inner.Send(1);
  EXPECT_EQ(layer.inner.flushed(), 4 * kRecord);
  EXPECT_EQ(layer.sent, kMaxRecordPayload);
  EXPECT_EQ(layer.output.size(), kManyBytes - kMaxRecordPayload);
  while (layer.inner.flushed() > 0) {
    EXPECT_LE(layer.inner.flushed(), 4 * kRecord);
    layer.inner.Send(10'007);
  }
  EXPECT_EQ(layer.sent, kManyBytes);
}

// Shows 10 bytes at a time.
class NarrowSegment final : public Segment {
 public:
  explicit NarrowSegment(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size() - consumed_; }
  absl::string_view Bytes() override {
    return absl::string_view(bytes_).substr(consumed_, 10);
  }

 private:
  ~NarrowSegment() override = default;
  void Consume(uint64_t n) override { consumed_ += n; }

  const std::string bytes_;
  size_t consumed_ = 0;
};

TEST_F(RecordTransportTest, ASegmentMayShowAPrefixOnly) {
  Layer layer(&loop_);
  layer.Open();
  layer.output.Append(new NarrowSegment(TestPattern(95)));
  layer.output.Append("after");
  layer.transport->Flush(&layer.output);
  layer.transport->ShutdownWrite();
  while (layer.inner.flushed() > 0) layer.inner.Send(3);
  std::string plain;
  const auto peer = NewRecordPeerCodec();
  EXPECT_TRUE(
      peer->Receive(absl::StrCat(kRecordHello, layer.inner.wire()), &plain));
  EXPECT_TRUE(plain == TestPattern(95) + "after");
  EXPECT_TRUE(peer->may_end());
  EXPECT_TRUE(layer.inner.fin_sent());
  EXPECT_EQ(layer.sent, 100u);
}

// Ending

TEST_F(RecordTransportTest, ShutdownWriteIsTheEndRecordAndFin) {
  Layer layer(&loop_);
  layer.Open();
  layer.transport->ShutdownWrite();
  EXPECT_EQ(layer.inner.wire(), EncodeRecord(0, ""));
  EXPECT_TRUE(layer.inner.fin_sent());
}

TEST_F(RecordTransportTest, AnEndRecordThatIsNotTakenAtOnceIsFlushed) {
  for (const size_t taken : {size_t{0}, size_t{3}}) {
    Layer layer(&loop_);
    layer.Open();
    layer.inner.AllowTrySend(taken);
    layer.transport->ShutdownWrite();
    EXPECT_EQ(layer.inner.flushed(), 0u);
    loop_.RunIterations(2);
    EXPECT_EQ(layer.inner.flushed(), kRecordOverhead - taken);
    EXPECT_FALSE(layer.inner.fin_sent());
    layer.inner.Send(1);
    layer.inner.Send();
    EXPECT_EQ(layer.inner.wire(), EncodeRecord(0, ""));
    EXPECT_TRUE(layer.inner.fin_sent());
    EXPECT_EQ(layer.sent, 0u);
  }
}

// The queue is not empty before the end record is gone, so that a graceful
// Close() in OnSent() loses nothing.
TEST_F(RecordTransportTest, TheEndRecordGoesWithTheLastRecord) {
  // ShutdownWrite() comes before or after the last record was encoded.
  for (const size_t size : {size_t{5}, size_t{100'000}}) {
    SCOPED_TRACE(size);
    Layer layer(&loop_);
    layer.Open();
    layer.output.Append(TestPattern(size));
    layer.transport->Flush(&layer.output);
    layer.transport->ShutdownWrite();
    bool closed = false;
    layer.on_sent = [&] {
      if (!layer.output.empty()) return;
      closed = true;
      layer.transport.release()->Close(CloseMode::kGraceful);
    };
    while (!closed) layer.inner.Send(layer.inner.flushed() > 1000 ? 1000 : 1);
    EXPECT_EQ(layer.inner.closed(), CloseMode::kGraceful);
    std::string plain;
    const auto peer = NewRecordPeerCodec();
    EXPECT_TRUE(
        peer->Receive(absl::StrCat(kRecordHello, layer.inner.wire()), &plain));
    EXPECT_EQ(plain.size(), size);
    EXPECT_TRUE(peer->may_end());
    EXPECT_TRUE(layer.inner.fin_sent());
  }
}

TEST_F(RecordTransportTest, AGracefulCloseSendsTheEndRecordIfItCan) {
  for (const size_t allowed : {size_t{0}, size_t{100}}) {
    Layer layer(&loop_);
    layer.Open();
    layer.inner.AllowTrySend(allowed);
    layer.transport.release()->Close(CloseMode::kGraceful);
    EXPECT_EQ(layer.inner.closed(), CloseMode::kGraceful);
    EXPECT_EQ(layer.inner.wire(), allowed == 0 ? "" : EncodeRecord(0, ""));
  }
}

TEST_F(RecordTransportTest, AGracefulCloseAfterShutdownWriteIsNoReset) {
  Layer layer(&loop_);
  layer.Open();
  layer.inner.AllowTrySend(0);
  layer.transport->ShutdownWrite();
  layer.transport.release()->Close(CloseMode::kGraceful);
  EXPECT_EQ(layer.inner.closed(), CloseMode::kGraceful);
  loop_.RunIterations(2);
}

TEST_F(RecordTransportTest, AResetOrAnEarlyCloseSendsNoEndRecord) {
  Layer reset(&loop_);
  reset.Open();
  reset.transport.release()->Close(CloseMode::kReset);
  EXPECT_EQ(reset.inner.wire(), "");
  Layer early(&loop_);
  early.inner.Open();
  early.transport.release()->Close(CloseMode::kGraceful);
  EXPECT_EQ(early.inner.wire(), kRecordHello);
  EXPECT_EQ(early.inner.closed(), CloseMode::kGraceful);
}

TEST_F(RecordTransportTest, AGracefulCloseInARecordIsAReset) {
  Layer layer(&loop_);
  layer.Open();
  layer.inner.AllowTrySend(1);
  EXPECT_EQ(layer.TrySend("bytes"), 0u);
  layer.transport.release()->Close(CloseMode::kGraceful);
  EXPECT_EQ(layer.inner.closed(), CloseMode::kReset);
}

TEST_F(RecordTransportTest, InAChildCloseSendsNothing) {
  Layer layer(&loop_);
  layer.Open();
  EXPECT_EQ(InChild([&] {
              layer.transport.release()->Close(CloseMode::kGraceful);
              if (!layer.inner.wire().empty()) _exit(1);
              if (layer.inner.closed() != CloseMode::kGraceful) _exit(2);
            }),
            0);
}

}  // namespace
}  // namespace sluice

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/record_transport.h"
#include "sluice/net/transport/scripted_transport.h"
#include "sluice/net/transport/test_loop.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"

namespace sluice {
namespace {

// Two record layers over scripted transports. The test moves the bytes of the
// wire in random pieces, and the sinks make random calls.
class RandomEnd final : private Transport::Sink {
 public:
  RandomEnd(TestLoop* loop, std::mt19937_64* random)
      : random_(*random),
        transport_(NewRecordTransport(loop->loop(), inner.NewTransport())) {
    transport_->Start(this);
  }

  // Makes a random call.
  void Act() {
    if (!open_ || failed) return;
    switch (random_() % 8) {
      case 0:
        SetReading(false);
        break;
      case 1:
      case 2:
        SetReading(true);
        break;
      case 3:
        if (random_() % 100 == 0) ShutdownWrite();
        break;
      default:
        Write();
    }
  }
  void SetReading(bool on) {
    reading = on;
    if (!failed) transport_->SetReading(on);
  }
  void ShutdownWrite() {
    if (finished || failed || !open_) return;
    finished = true;
    if (!output_.empty() && !flushing_) Flush();
    transport_->ShutdownWrite();
  }
  // Moves random numbers of bytes on the wire.
  void Move(RandomEnd* to) {
    inner.AllowTrySend(random_() % 3 == 0 ? 0 : SomeSize());
    if (random_() % 2 == 0) inner.Send(SomeSize());
    const std::string sent = inner.TakeWire();
    if (!cut) on_wire += sent;
    if (!to->inner.reading() || to->failed) return;
    const std::string piece = on_wire.substr(0, SomeSize());
    on_wire.erase(0, piece.size());
    to->inner.Input(piece);
    if (on_wire.empty() && to->inner.reading() && !to->failed && !fin_moved &&
        (cut || inner.fin_sent())) {
      fin_moved = true;
      to->inner.InputEnd();
    }
  }

  ScriptedTransport inner;
  std::string on_wire;  // sent, and not received by the other end
  std::string written;
  std::string received;
  uint64_t accepted = 0;  // bytes that TrySend() and OnSent() have counted
  bool reading = false;
  bool finished = false;
  bool input_ended = false;
  bool failed = false;
  bool cut = false;  // FIN comes after on_wire, whatever is missing
  bool fin_moved = false;
  CloseReason reason = CloseReason::kNormal;

 private:
  size_t SomeSize() {
    return 1 + random_() % (random_() % 4 == 0 ? 50'000 : 30);
  }
  void Write() {
    if (finished) return;
    const size_t size = SomeSize();
    const std::string bytes =
        ManyBytes().substr(written.size() % (kManyBytes / 2), size);
    written += bytes;
    // As a connection does that held back bytes: queued bytes go first, and
    // Flush() may come later.
    size_t taken = 0;
    if (!flushing_) {
      absl::string_view pieces[SocketApi::kMaxPieces];
      size_t count = output_.Gather(absl::MakeSpan(pieces));
      if (count + 2 <= SocketApi::kMaxPieces) {
        const size_t middle = random_() % bytes.size();
        pieces[count++] = absl::string_view(bytes).substr(0, middle);
        pieces[count++] = absl::string_view(bytes).substr(middle);
      }
      const size_t sent =
          transport_->TrySend(absl::MakeConstSpan(pieces, count));
      accepted += sent;
      const size_t held = std::min<size_t>(sent, output_.size());
      output_.Consume(held);
      taken = sent - held;
    }
    output_.Append(absl::string_view(bytes).substr(taken));
    if (!output_.empty() && (flushing_ || random_() % 2 == 0)) Flush();
  }
  void Flush() {
    flushing_ = true;
    transport_->Flush(&output_);
  }

  void OnOpen() override {
    open_ = true;
    SetReading(random_() % 2 == 0);
  }
  void OnInput(absl::string_view bytes) override {
    EXPECT_TRUE(reading && !input_ended);
    received.append(bytes.data(), bytes.size());
    if (random_() % 3 == 0) Act();
  }
  void OnInputEnd() override {
    EXPECT_TRUE(reading && !input_ended);
    input_ended = true;
    if (random_() % 2 == 0) ShutdownWrite();
  }
  void OnSent(uint64_t bytes) override {
    accepted += bytes;
    EXPECT_EQ(accepted + output_.size(), written.size());
    if (output_.empty()) flushing_ = false;
    if (random_() % 3 == 0) Act();
  }
  void OnError(absl::Status, CloseReason why) override {
    failed = true;
    reason = why;
  }

  std::mt19937_64& random_;
  OutputQueue output_;
  TransportPtr transport_;
  bool open_ = false;
  bool flushing_ = false;
};

void RunRandomly(TestLoop* loop, uint64_t seed) {
  std::mt19937_64 random(seed);
  RandomEnd ends[2] = {{loop, &random}, {loop, &random}};
  for (RandomEnd& end : ends) end.inner.AllowTrySend(random() % 20);
  for (RandomEnd& end : ends) end.inner.Open();
  const size_t steps = random() % 400;
  const auto move = [&] {
    ends[0].Move(&ends[1]);
    ends[1].Move(&ends[0]);
    loop->RunIterations();
  };
  for (size_t i = 0; i < steps; ++i) {
    ends[random() % 2].Act();
    if (random() % 2 == 0) move();
  }
  // The rest arrives, or the connection is cut at a byte in one direction.
  const bool cut = random() % 4 == 0;
  if (cut) {
    ends[0].on_wire.resize(random() % (ends[0].on_wire.size() + 1));
    ends[0].cut = true;
  }
  const auto is_done = [&](const RandomEnd& end) {
    return end.input_ended || end.failed;
  };
  for (int i = 0;
       i < 100'000 && !(is_done(ends[1]) && (cut || is_done(ends[0]))); ++i) {
    for (RandomEnd& end : ends) {
      end.ShutdownWrite();
      if (!end.reading) end.SetReading(true);
    }
    move();
  }
  for (int i = 0; i < 2; ++i) {
    SCOPED_TRACE(absl::StrCat("end ", i));
    const RandomEnd& end = ends[i];
    const RandomEnd& other = ends[1 - i];
    EXPECT_TRUE(other.written.compare(0, end.received.size(), end.received) ==
                0);
    if (end.input_ended) {
      EXPECT_EQ(end.received.size(), other.written.size());
      EXPECT_FALSE(end.failed);
    } else if (cut && i == 1) {
      EXPECT_TRUE(end.failed);
      EXPECT_EQ(end.reason, CloseReason::kPeerReset);
    } else {
      EXPECT_TRUE(cut);
    }
  }
}

TEST(RecordTransportRandomTest, BothStreamsArriveOrTheirCutIsAnError) {
  TestLoop loop;
  for (int i = 0; i < 100 && !::testing::Test::HasFailure(); ++i) {
    const uint64_t seed = TestSeed();
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    RunRandomly(&loop, seed);
  }
}

}  // namespace
}  // namespace sluice

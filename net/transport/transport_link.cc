#include "sluice/net/transport/transport_link.h"

#include <algorithm>

namespace sluice {
namespace {

// The bytes that TransportPeer encodes at once, and so the most that wait in
// it.
constexpr size_t kMaxEncodedBytes = 16 * 1024;

}  // namespace

::testing::AssertionResult SameBytes(absl::string_view actual,
                                     absl::string_view expected) {
  if (actual == expected) return ::testing::AssertionSuccess();
  const size_t common =
      std::mismatch(actual.begin(),
                    actual.begin() + std::min(actual.size(), expected.size()),
                    expected.begin())
          .first -
      actual.begin();
  return ::testing::AssertionFailure()
         << actual.size() << " bytes, " << expected.size()
         << " expected, which differ from " << common << " on";
}

void TransportRecorder::OnOpen() {
  EXPECT_EQ(opens, 0);
  ++opens;
  CheckAndCall(on_open);
}

void TransportRecorder::OnInput(absl::string_view bytes) {
  EXPECT_FALSE(bytes.empty());
  EXPECT_EQ(input_ends, 0);
  input.append(bytes.data(), bytes.size());
  ++inputs;
  CheckAndCall(on_input);
}

void TransportRecorder::OnInputEnd() {
  EXPECT_EQ(input_ends, 0);
  ++input_ends;
  CheckAndCall(on_input_end);
}

void TransportRecorder::OnSent(uint64_t bytes) {
  EXPECT_GT(bytes, 0u);
  sent += bytes;
  CheckAndCall(on_sent);
}

void TransportRecorder::OnError(absl::Status status, CloseReason why) {
  EXPECT_EQ(errors, 0);
  EXPECT_FALSE(status.ok());
  opens = std::max(opens, 1);  // OnError() may come without OnOpen()
  error = std::move(status);
  reason = why;
  CheckAndCall(on_error);
  // The recorder may be gone.
}

void TransportRecorder::CheckAndCall(const Hook& hook) {
  EXPECT_FALSE(*in_call_) << "called inside a call on the transport";
  EXPECT_FALSE(closed) << "called after Close()";
  EXPECT_EQ(opens, 1) << "called before OnOpen()";
  EXPECT_EQ(errors, 0) << "called after OnError()";
  if (!error.ok()) ++errors;
  const Hook call = hook;
  if (call) call();
}

size_t TransportPeer::Send(absl::string_view bytes) {
  size_t sent = 0;
  Pump();
  while (wire_.empty() && sent < bytes.size()) {
    const absl::string_view piece = bytes.substr(sent, kMaxEncodedBytes);
    codec_->Send(piece);
    sent += piece.size();
    Pump();
  }
  return sent;
}

void TransportPeer::Pump() {
  if (closed_here_) return;
  if (!codec_->open()) Receive();
  wire_ += codec_->TakeOutput();
  wire_.erase(0, socket_.Send(wire_));
  if (shutdown_ && !fin_sent_ && wire_.empty() && codec_->open()) {
    fin_sent_ = true;
    socket_.ShutdownWrite();
  }
}

void TransportPeer::Receive(size_t max) {
  socket_.Receive(max);
  EXPECT_TRUE(codec_->Receive(socket_.received(), &received_))
      << "the bytes of the transport break the format";
  socket_.ForgetReceived();
}

void TransportPeer::ShutdownWrite() {
  shutdown_ = true;
  codec_->SendEnd();
  Pump();
}

void TransportPeer::Close(CloseMode mode) {
  if (mode == CloseMode::kGraceful && !shutdown_) {
    codec_->SendEnd();
    Pump();
  }
  closed_here_ = true;
  socket_.Close(mode);
}

TransportLink::TransportLink(const TransportWorld& world, EventLoop* loop,
                             std::pair<Socket, Socket> ends)
    : peer(std::move(ends.first), world.NewPeerCodec()),
      sink(std::make_unique<TransportRecorder>(&in_call_)),
      loop_(loop),
      transport_(world.platform().new_transport(loop, std::move(ends.second))) {
}

void TransportLink::Start() {
  started_ = true;
  Call([&] { transport_->Start(sink.get()); });
}

void TransportLink::SetReading(bool on) {
  Call([&] { transport_->SetReading(on); });
}

size_t TransportLink::TrySend(absl::Span<const absl::string_view> pieces) {
  size_t sent = 0;
  Call([&] { sent = transport_->TrySend(pieces); });
  return sent;
}

void TransportLink::Flush(OutputQueue* output) {
  Call([&] { transport_->Flush(output); });
}

void TransportLink::ShutdownWrite() {
  Call([&] { transport_->ShutdownWrite(); });
}

void TransportLink::Close(CloseMode mode) {
  sink->closed = true;
  Call([&] { transport_.release()->Close(mode); });
}

void TransportLink::Destroy() {
  if (sink != nullptr) sink->closed = true;
  Call([&] { transport_.reset(); });
}

void TransportLink::Open() {
  Start();
  ASSERT_TRUE(Until([&] { return sink->opens == 1 && peer.open(); }));
}

void TransportLink::OpenAndRead() {
  Open();
  SetReading(true);
}

bool TransportLink::Until(absl::FunctionRef<bool()> done) {
  return RunUntil(loop_, [&] {
    if (started_ && transport_ != nullptr) peer.Pump();
    return done();
  });
}

bool TransportLink::UntilPeerIsClosed() {
  return Until([&] {
    peer.Receive();
    return peer.closed();
  });
}

bool TransportLink::PeerSends(absl::string_view bytes) {
  return Until([&] {
    bytes.remove_prefix(peer.Send(bytes));
    return bytes.empty() && !peer.waits();
  });
}

void TransportLink::Call(absl::FunctionRef<void()> call) {
  const bool before = std::exchange(in_call_, true);
  call();
  in_call_ = before;
}

}  // namespace sluice

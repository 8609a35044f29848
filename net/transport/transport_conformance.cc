#include "sluice/net/transport/transport_conformance.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

// Compares two strings; does not print megabytes if they differ.
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

// Records its calls, and fails if they are out of order. Its hooks are called
// last; each may destroy it.
class Recorder final : public Transport::Sink {
 public:
  using Hook = std::function<void()>;

  // `in_call` is true while a call on the transport is under way.
  explicit Recorder(const bool* in_call) : in_call_(in_call) {}

  Hook on_open;
  Hook on_input;
  Hook on_input_end;
  Hook on_sent;
  Hook on_error;

  int opens = 0;
  std::string input;
  int inputs = 0;
  int input_ends = 0;
  uint64_t sent = 0;
  int errors = 0;
  absl::Status error;
  CloseReason reason = CloseReason::kNormal;
  bool closed = false;  // set by the code that closes the transport

 private:
  void OnOpen() override {
    EXPECT_EQ(opens, 0);
    ++opens;
    CheckAndCall(on_open);
  }
  void OnInput(absl::string_view bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_EQ(input_ends, 0);
    input.append(bytes.data(), bytes.size());
    ++inputs;
    CheckAndCall(on_input);
  }
  void OnInputEnd() override {
    EXPECT_EQ(input_ends, 0);
    ++input_ends;
    CheckAndCall(on_input_end);
  }
  void OnSent(uint64_t bytes) override {
    EXPECT_GT(bytes, 0u);
    sent += bytes;
    CheckAndCall(on_sent);
  }
  void OnError(absl::Status status, CloseReason why) override {
    EXPECT_EQ(errors, 0);
    EXPECT_FALSE(status.ok());
    opens = std::max(opens, 1);  // OnError() may come without OnOpen()
    error = std::move(status);
    reason = why;
    CheckAndCall(on_error);
    // The recorder may be gone.
  }

  void CheckAndCall(const Hook& hook) {
    EXPECT_FALSE(*in_call_) << "called inside a call on the transport";
    EXPECT_FALSE(closed) << "called after Close()";
    EXPECT_EQ(opens, 1) << "called before OnOpen()";
    EXPECT_EQ(errors, 0) << "called after OnError()";
    if (!error.ok()) ++errors;
    const Hook call = hook;
    if (call) call();
  }

  const bool* const in_call_;
};

// The message has the errno.
auto IsReset() {
  return StatusIs(
      absl::StatusCode::kUnavailable,
      ::testing::HasSubstr(absl::StrCat("(errno ", ECONNRESET, ")")));
}

// A transport under test, its sink, and a plain socket at the other end.
class Link {
 public:
  Link(const TransportWorld& world, EventLoop* loop, int buffer_bytes = 0)
      : Link(world, loop,
             NewSocketPair(loop, world.platform().sockets, buffer_bytes)) {}
  // Closes the transport first if it is open.
  ~Link() {
    if (transport_ != nullptr) Destroy();
  }

  // The calls on the transport. Destroy() is the deleter of TransportPtr.
  void Start() {
    Call([&] { transport_->Start(sink.get()); });
  }
  void SetReading(bool on) {
    Call([&] { transport_->SetReading(on); });
  }
  size_t TrySend(absl::Span<const absl::string_view> pieces) {
    size_t sent = 0;
    Call([&] { sent = transport_->TrySend(pieces); });
    return sent;
  }
  void Flush(OutputQueue* output) {
    Call([&] { transport_->Flush(output); });
  }
  void ShutdownWrite() {
    Call([&] { transport_->ShutdownWrite(); });
  }
  bool HasUnreadInput() const { return transport_->HasUnreadInput(); }
  void Close(CloseMode mode) {
    sink->closed = true;
    Call([&] { transport_.release()->Close(mode); });
  }
  void Destroy() {
    if (sink != nullptr) sink->closed = true;
    Call([&] { transport_.reset(); });
  }
  absl::StatusOr<SocketAddress> Address(SocketApi::End end) const {
    return transport_->Address(end);
  }

  // Starts, and runs iterations until OnOpen() was called.
  void Open() {
    Start();
    ASSERT_TRUE(Until([&] { return sink->opens == 1; }));
  }
  void OpenAndRead() {
    Open();
    SetReading(true);
  }

  bool Until(absl::FunctionRef<bool()> done) { return RunUntil(loop_, done); }
  // Runs iterations until the other end has received FIN or an error.
  bool UntilPeerIsClosed() {
    return Until([&] {
      peer.Receive();
      return peer.closed();
    });
  }
  // Sends from the other end, and runs iterations while that must wait.
  bool PeerSends(absl::string_view bytes) {
    return Until([&] {
      bytes.remove_prefix(peer.Send(bytes));
      return bytes.empty();
    });
  }

  TestPeer peer;
  std::unique_ptr<Recorder> sink;

 private:
  Link(const TransportWorld& world, EventLoop* loop,
       std::pair<Socket, Socket> ends)
      : peer(std::move(ends.first)),
        sink(std::make_unique<Recorder>(&in_call_)),
        loop_(loop),
        transport_(
            world.platform().new_transport(loop, std::move(ends.second))) {}

  void Call(absl::FunctionRef<void()> call) {
    const bool before = std::exchange(in_call_, true);
    call();
    in_call_ = before;
  }

  EventLoop* const loop_;
  bool in_call_ = false;
  TransportPtr transport_;
};

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

class KernelTransportWorld final : public TransportWorld {
 public:
  explicit KernelTransportWorld(
      std::function<TransportPtr(EventLoop*, Socket)> new_transport)
      : platform_(LinuxPlatform()) {
    platform_.new_transport = std::move(new_transport);
  }
  const Platform& platform() const override { return platform_; }

 private:
  Platform platform_;
};

}  // namespace

TransportBackend KernelTransportBackend(
    std::string name,
    std::function<TransportPtr(EventLoop* loop, Socket socket)> new_transport) {
  return {std::move(name), [new_transport = std::move(new_transport)] {
            return std::make_unique<KernelTransportWorld>(new_transport);
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
  EXPECT_TRUE(link.peer.ended());
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(link.sink->sent, bytes.size());
  link.ShutdownWrite();
}

TEST_P(TransportConformanceTest, ShutdownWriteWithNothingToSendIsFin) {
  Link link(*world_, loop_.get());
  link.Open();
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
  EXPECT_TRUE(link.peer.ended());
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
  EXPECT_TRUE(link.peer.ended());
  EXPECT_TRUE(SameBytes(link.peer.received(), bytes));
  EXPECT_EQ(link.sink->errors, 0);
}

TEST_P(TransportConformanceTest, ReceivesForLongAfterShutdownWrite) {
  Link link(*world_, loop_.get(), kSmallBuffers);
  link.OpenAndRead();
  link.ShutdownWrite();
  ASSERT_TRUE(link.UntilPeerIsClosed());
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

// Ending

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
      Recorder& sink = *link.sink;
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

#include "sluice/net/transport/socket_transport.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// An epoll poller that counts changes of interest, and refuses them on demand.
class CountingPoller final : public Poller {
 public:
  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override {
    if (refuse) return absl::ResourceExhaustedError("refused");
    return epoll_->Add(fd, interest, token, hint);
  }
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override {
    ++modifies;
    if (refuse) return absl::ResourceExhaustedError("refused");
    return epoll_->Modify(fd, interest, token);
  }
  absl::Status Remove(int fd) override { return epoll_->Remove(fd); }
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    return epoll_->Wait(timeout);
  }
  bool has_more() const override { return epoll_->has_more(); }
  void Wake() override { epoll_->Wake(); }
  absl::string_view name() const override { return "counting"; }

  int modifies = 0;
  bool refuse = false;

 private:
  const std::unique_ptr<Poller> epoll_ = *EpollPoller::Create();
};

// Tests beyond the contract, which //net/transport:transport_conformance_test
// covers.
class SocketTransportTest : public ::testing::Test, protected Transport::Sink {
 protected:
  SocketTransportTest() {
    auto poller = std::make_unique<CountingPoller>();
    poller_ = poller.get();
    EventLoop::Options options;
    options.poller = std::move(poller);
    options.clock = Clock::Real();
    loop_ = *EventLoop::Create(std::move(options));
    auto [first, second] = NewSocketPair(loop_.get(), KernelSockets());
    peer_ = std::make_unique<TestPeer>(std::move(first));
    transport_ = NewSocketTransport(loop_.get(), std::move(second));
  }

  void RunIterations() { sluice::RunIterations(loop_.get(), 1); }
  void Open() {
    transport_->Start(this);
    ASSERT_TRUE(RunUntil(loop_.get(), [&] { return opens_ == 1; }));
  }

  std::unique_ptr<EventLoop> loop_;
  CountingPoller* poller_;
  std::unique_ptr<TestPeer> peer_;
  OutputQueue output_;
  TransportPtr transport_;

  absl::Span<char> input_buffer_;
  bool in_buffer_ = false;    // the last input lay there
  size_t largest_input_ = 0;  // bytes
  std::function<void()> on_input_;
  int opens_ = 0;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  int errors_ = 0;
  absl::Status error_;
  CloseReason reason_ = CloseReason::kNormal;

 private:
  void OnOpen() override {
    ++opens_;
    transport_->SetReading(true);
  }
  absl::Span<char> InputBuffer() override { return input_buffer_; }
  void OnInput(absl::string_view bytes) override {
    largest_input_ = std::max(largest_input_, bytes.size());
    in_buffer_ = bytes.data() == input_buffer_.data();
    received_ += bytes.size();
    if (on_input_) on_input_();
  }
  void OnInputEnd() override {}
  void OnSent(uint64_t bytes) override { sent_ += bytes; }
  void OnError(absl::Status error, CloseReason reason) override {
    ++errors_;
    error_ = std::move(error);
    reason_ = reason;
  }
};

TEST_F(SocketTransportTest, ReadsIntoTheSinksBufferIfThatIsLarge) {
  Open();
  for (const size_t size : {size_t{16 * 1024}, size_t{16 * 1024 - 1}}) {
    std::string buffer(size, '\0');
    input_buffer_ = absl::MakeSpan(buffer);
    received_ = 0;
    ASSERT_EQ(peer_->Send("input"), 5u);
    ASSERT_TRUE(RunUntil(loop_.get(), [&] { return received_ == 5; }));
    EXPECT_EQ(in_buffer_, size == 16 * 1024);
    EXPECT_EQ(buffer.substr(0, 5) == "input", in_buffer_);
  }
}

// However large the sink's buffer is, other targets of the loop wait for a
// bounded time.
TEST_F(SocketTransportTest, ReadsABoundedNumberOfBytesPerIteration) {
  Open();
  std::string buffer(8 << 20, '\0');
  input_buffer_ = absl::MakeSpan(buffer);
  size_t sent = 0;
  while (const size_t more = peer_->Send(TestPattern(1 << 20))) sent += more;
  ASSERT_GT(sent, size_t{512 * 1024});
  uint64_t before = 0;
  while (received_ < sent) {
    RunIterations();
    EXPECT_LE(received_ - before, 256u * 1024);
    before = received_;
  }
  EXPECT_GT(largest_input_, loop_->receive_buffer().size());
}

TEST_F(SocketTransportTest, ReadingFromOnOpenOnChangesNoInterest) {
  Open();
  ASSERT_EQ(peer_->Send("input"), 5u);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return received_ == 5; }));
  EXPECT_EQ(poller_->modifies, 0);
}

TEST_F(SocketTransportTest, ChangesInterestAtMostOncePerEvent) {
  Open();
  bool on = true;
  on_input_ = [&] {
    for (int i = 0; i < 5; ++i) {
      on = !on;
      transport_->SetReading(on);
    }
  };
  ASSERT_EQ(peer_->Send("input"), 5u);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return received_ == 5; }));
  EXPECT_EQ(poller_->modifies, 1);
  transport_->SetReading(true);
  EXPECT_EQ(poller_->modifies, 2);
  on_input_ = [&] {
    transport_->SetReading(false);
    transport_->SetReading(true);
  };
  ASSERT_EQ(peer_->Send("input"), 5u);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return received_ == 10; }));
  EXPECT_EQ(poller_->modifies, 2);
}

TEST_F(SocketTransportTest, ReadsAtMost256KiBPerIteration) {
  Open();
  transport_->SetReading(false);
  const std::string bytes(1 << 20, 'x');
  size_t sent = 0;
  ASSERT_TRUE(RunUntil(loop_.get(), [&] {
    sent += peer_->Send(absl::string_view(bytes).substr(sent));
    return sent == bytes.size();
  }));
  sluice::RunIterations(loop_.get(), 100);
  transport_->SetReading(true);
  uint64_t most = 0;
  ASSERT_TRUE(RunUntil(loop_.get(), [&] {
    const uint64_t before = received_;
    RunIterations();
    most = std::max(most, received_ - before);
    return received_ == bytes.size();
  }));
  EXPECT_LE(most, 256u * 1024);
  EXPECT_GT(most, 64u * 1024);
}

TEST_F(SocketTransportTest, SendsAtMost1MiBPerIteration) {
  Open();
  output_.Append(std::string(8 << 20, 'x'));
  transport_->Flush(&output_);
  uint64_t most = 0;
  ASSERT_TRUE(RunUntil(loop_.get(), [&] {
    const uint64_t before = sent_;
    RunIterations();
    most = std::max(most, sent_ - before);
    peer_->Receive();
    return output_.empty();
  }));
  EXPECT_LE(most, 1u << 20);
}

TEST_F(SocketTransportTest, APollerThatDoesNotTakeItIsAnError) {
  poller_->refuse = true;
  transport_->Start(this);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return errors_ > 0; }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(errors_, 1);
  EXPECT_EQ(opens_, 0);
  EXPECT_EQ(error_, absl::ResourceExhaustedError("refused"));
  EXPECT_EQ(reason_, CloseReason::kIoError);
}

TEST_F(SocketTransportTest, APollerThatRefusesAChangeIsAnErrorByATask) {
  Open();
  poller_->refuse = true;
  transport_->SetReading(false);
  EXPECT_EQ(errors_, 0);
  transport_->SetReading(true);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return errors_ > 0; }));
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(errors_, 1);
  EXPECT_EQ(error_, absl::ResourceExhaustedError("refused"));
  EXPECT_EQ(reason_, CloseReason::kIoError);
}

TEST_F(SocketTransportTest, APollerThatRefusesAChangeOnceIsAskedAgain) {
  Open();
  poller_->refuse = true;
  transport_->SetReading(false);
  poller_->refuse = false;
  ASSERT_EQ(peer_->Send("first"), 5u);
  sluice::RunIterations(loop_.get());
  EXPECT_EQ(received_, 0u);
  // The transport is registered again with the wanted interest, and asks a
  // poller that refuses all changes for only one, not one in every iteration.
  EXPECT_EQ(poller_->modifies, 1);
  transport_->SetReading(true);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return received_ == 5; }));
  EXPECT_EQ(errors_, 0);
}

}  // namespace
}  // namespace sluice

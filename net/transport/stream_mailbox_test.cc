#include "sluice/net/stream_mailbox.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/net/stream.h"
#include "sluice/net/transport/test_loop.h"

namespace sluice {
namespace {

// Tests of behaviour that users cannot see; stream_handle_test has the rest.
class StreamMailboxTest : public ::testing::Test {
 protected:
  ~StreamMailboxTest() override { mailbox_->Close(); }

  // These tests do not call streams.
  Stream* StreamAt(size_t index) {
    return reinterpret_cast<Stream*>(&memory_[index]);
  }

  TestLoop loop_;
  StreamMailbox::Counters counters_;
  std::shared_ptr<StreamMailbox> mailbox_ = std::make_shared<StreamMailbox>(
      loop_.loop(), /*max_bytes=*/1000, &counters_);
  std::vector<void*> memory_ = std::vector<void*>(100);
};

TEST_F(StreamMailboxTest, HasAsManySlotsAsThereWereStreamsAtOnce) {
  for (int round = 0; round < 5; ++round) {
    for (size_t i = 0; i < 100; ++i) {
      EXPECT_LT(mailbox_->NameOf(StreamAt(i)).slot, 100u);
    }
    for (size_t i = 0; i < 100; ++i) mailbox_->Remove(StreamAt(i));
  }
}

TEST_F(StreamMailboxTest, RemovingAStreamWithoutANameDoesNothing) {
  const StreamMailbox::Name name = mailbox_->NameOf(StreamAt(0));
  mailbox_->Remove(StreamAt(1));
  EXPECT_EQ(mailbox_->NameOf(StreamAt(0)), name);
}

}  // namespace
}  // namespace sluice

#include "sluice/tests/support/watched_handler.h"

#include <algorithm>
#include <utility>

#include "gtest/gtest.h"

namespace sluice {

WatchedHandler::WatchedHandler(std::unique_ptr<StreamHandler> handler,
                               HandlerCounts* counts)
    : handler_(std::move(handler)), counts_(*counts) {
  ++counts_.made;
}

WatchedHandler::~WatchedHandler() {
  EXPECT_TRUE(closed_) << "a handler is destroyed before OnClosed()";
  ++counts_.destroyed;
}

void WatchedHandler::Enter() {
  EXPECT_FALSE(in_call_) << "a handler is called inside a call";
  EXPECT_FALSE(closed_) << "a handler is called after OnClosed()";
  in_call_ = true;
}

void WatchedHandler::Leave(const Stream& stream) {
  in_call_ = false;
  counts_.most_pending =
      std::max(counts_.most_pending, stream.pending_output());
}

void WatchedHandler::OnOpen(Stream& stream) {
  Enter();
  EXPECT_FALSE(opened_) << "OnOpen() comes twice";
  opened_ = true;
  ++counts_.opened;
  handler_->OnOpen(stream);
  Leave(stream);
}

size_t WatchedHandler::OnInput(Stream& stream, absl::string_view input) {
  Enter();
  EXPECT_TRUE(opened_ && !input_ended_ && !input.empty());
  const size_t consumed = handler_->OnInput(stream, input);
  counts_.consumed += consumed;
  Leave(stream);
  return consumed;
}

void WatchedHandler::OnInputEnd(Stream& stream) {
  Enter();
  EXPECT_TRUE(opened_ && !input_ended_);
  input_ended_ = true;
  handler_->OnInputEnd(stream);
  Leave(stream);
}

void WatchedHandler::OnWritable(Stream& stream) {
  Enter();
  EXPECT_TRUE(opened_);
  handler_->OnWritable(stream);
  Leave(stream);
}

void WatchedHandler::OnBufferFull(Stream& stream) {
  Enter();
  EXPECT_TRUE(opened_);
  handler_->OnBufferFull(stream);
  Leave(stream);
}

void WatchedHandler::OnTimeout(Stream& stream) {
  Enter();
  handler_->OnTimeout(stream);
  Leave(stream);
}

void WatchedHandler::OnDraining(Stream& stream) {
  Enter();
  EXPECT_TRUE(opened_ && !draining_);
  draining_ = true;
  handler_->OnDraining(stream);
  Leave(stream);
}

void WatchedHandler::OnClosed(Stream& stream, absl::Status why,
                              CloseReason reason) {
  EXPECT_FALSE(in_call_) << "OnClosed() comes inside a call";
  EXPECT_FALSE(closed_) << "OnClosed() comes twice";
  EXPECT_EQ(why.ok(), reason == CloseReason::kNormal);
  EXPECT_EQ(stream.pending_output(), 0u);
  closed_ = true;
  ++counts_.closed;
  ++counts_.by_reason[static_cast<size_t>(reason)];
  handler_->OnClosed(stream, std::move(why), reason);
}

}  // namespace sluice

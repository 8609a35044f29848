#include "sluice/apps/echo/client_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/log/log.h"

namespace sluice {
namespace {

// Shorter pieces are copied, which costs less than a reference to them.
constexpr uint64_t kMinShared = 4096;
constexpr uint64_t kMaxWrite = 1024 * 1024;

LoadError ConnectErrorOf(const absl::Status& status) {
  if (absl::IsDeadlineExceeded(status)) return LoadError::kConnectTimeout;
  if (ErrnoOf(status) == ECONNREFUSED) return LoadError::kConnectRefused;
  return LoadError::kConnectFailed;
}

}  // namespace

ClientConnection::ClientConnection(Shared* shared, uint64_t number)
    : shared_(shared), number_(number) {}

void ClientConnection::Connect(const SocketAddress& peer,
                               TcpConnector::Options options) {
  connector_ = std::make_unique<TcpConnector>(
      shared_->platform, shared_->loop, peer, options,
      [this](absl::StatusOr<Socket> socket) {
        OnConnectDone(std::move(socket));
      });
}

void ClientConnection::CancelConnect() {
  connector_.reset();
  if (state_ == State::kNew) connection_.reset();
}

void ClientConnection::OnConnectDone(absl::StatusOr<Socket> socket) {
  connector_.reset();
  if (!socket.ok()) {
    SLUICE_LOG(shared_->logger, kDebug, "connection {} not opened: {}", number_,
               socket.status().message());
    CountError(ConnectErrorOf(socket.status()), socket.status().message());
    state_ = State::kEnded;
    shared_->owner->OnConnectEnded(false);
    return;
  }
  connection_ = std::make_unique<TcpConnection>(
      shared_->context,
      shared_->platform->new_transport(shared_->loop, *std::move(socket)),
      static_cast<StreamHandler*>(this));
}

void ClientConnection::OnOpen(Stream&) {
  state_ = State::kOpen;
  SLUICE_LOG(shared_->logger, kDebug, "connection {} opened", number_);
  shared_->owner->OnConnectEnded(true);
}

void ClientConnection::Begin(uint64_t index) {
  SLUICE_CHECK(open() && !begun_);
  begun_ = true;
  index_ = index;
  if (!shared_->schedule->open_loop()) {
    sent_nanos_ = std::make_unique<int64_t[]>(shared_->pipeline);
  }
  Send(shared_->platform->clock->Now());
}

void ClientConnection::Send(MonotonicTime now) {
  if (!open() || !begun_) return;
  const uint64_t count = shared_->schedule->Take(
      index_, sent_, shared_->pipeline - in_flight(), now);
  if (sent_nanos_ != nullptr) {
    for (uint64_t i = sent_; i < sent_ + count; ++i) {
      sent_nanos_[i % shared_->pipeline] = now.nanos();
    }
  }
  sent_ += count;
  shared_->in_flight += count;
  WriteWhatFits();
}

void ClientConnection::WriteWhatFits() {
  const uint64_t end = sent_ * shared_->message_size;
  while (written_ < end && !blocked_) {
    if (end - written_ < kMinShared) {
      const auto size = static_cast<size_t>(end - written_);
      blocked_ = connection_->Write(shared_->pattern->Bytes(
                     number_, written_, size)) != Stream::WriteResult::kOk;
      written_ = end;
    } else {
      const absl::Cord bytes = TakeShared(std::min(end - written_, kMaxWrite));
      blocked_ = connection_->Write(bytes) != Stream::WriteResult::kOk;
    }
  }
}

// Returns the next bytes to write. The Cord refers to the pattern, which
// outlives the connection, so bytes that must wait are not copied.
absl::Cord ClientConnection::TakeShared(uint64_t size) {
  absl::Cord bytes;
  while (bytes.size() < size) {
    const auto piece = static_cast<size_t>(
        std::min<uint64_t>(size - bytes.size(), BytePattern::kMaxPiece));
    bytes.Append(absl::MakeCordFromExternal(
        shared_->pattern->Bytes(number_, written_, piece), [] {}));
    written_ += piece;
  }
  return bytes;
}

void ClientConnection::OnWritable(Stream&) {
  blocked_ = false;
  WriteWhatFits();
}

size_t ClientConnection::OnInput(Stream& stream, absl::string_view input) {
  if (!Check(input)) return input.size();
  received_ += input.size();
  // One time for all messages of one read, and for the messages sent in answer.
  const MonotonicTime now = shared_->platform->clock->Now();
  RecordAnswers(now);
  Send(now);
  if (shared_->read_rate > 0) {
    stream.PauseReading();
    stream.SetTimeout(absl::Seconds(static_cast<double>(input.size()) /
                                    static_cast<double>(shared_->read_rate)));
  }
  if (shared_->in_flight == 0) shared_->owner->OnNothingInFlight();
  return input.size();
}

void ClientConnection::OnTimeout(Stream& stream) { stream.ResumeReading(); }

bool ClientConnection::Check(absl::string_view input) {
  const auto size = static_cast<size_t>(
      std::min<uint64_t>(input.size(), written_ - received_));
  const auto wrong = shared_->pattern->FirstDifference(number_, received_,
                                                       input.substr(0, size));
  if (!wrong.has_value() && size == input.size()) return true;
  const size_t at = wrong.value_or(size);
  const std::string expected =
      wrong.has_value()
          ? absl::StrFormat("0x%02x,",
                            static_cast<unsigned char>(shared_->pattern->Bytes(
                                number_, received_ + at, 1)[0]))
          : "nothing, for so much was sent,";
  Fail(LoadError::kWrongByte,
       absl::StrFormat("connection %d, byte %d: expected %s got 0x%02x",
                       number_, received_ + at, expected,
                       static_cast<unsigned char>(input[at])));
  return false;
}

void ClientConnection::RecordAnswers(MonotonicTime now) {
  const int64_t measured_from = shared_->schedule->measured_from().nanos();
  const uint64_t before = answered_;
  const uint64_t complete = received_ / shared_->message_size;
  for (; answered_ < complete; ++answered_) {
    const int64_t sent = SentNanos(answered_);
    if (sent < measured_from) continue;
    shared_->results->latency.Record(now.nanos() - sent);
  }
  if (answered_ > before) shared_->last_answer = now;
  shared_->answered += answered_ - before;
  shared_->in_flight -= answered_ - before;
}

int64_t ClientConnection::SentNanos(uint64_t message) const {
  if (sent_nanos_ != nullptr) return sent_nanos_[message % shared_->pipeline];
  return shared_->schedule->DueTime(index_, message).nanos();
}

void ClientConnection::ShutdownWrite() {
  if (!open()) return;
  if (in_flight() > 0) {
    Fail(LoadError::kTimeout,
         absl::StrFormat("connection %d: %d messages without answer", number_,
                         in_flight()));
    return;
  }
  state_ = State::kHalfClosed;
  connection_->ShutdownWrite();
  connection_->ResumeReading();  // only FIN can come
}

void ClientConnection::OnInputEnd(Stream&) {
  if (!open()) return;
  Fail(LoadError::kClosedEarly,
       absl::StrFormat("connection %d: FIN after byte %d of %d", number_,
                       received_, written_));
}

void ClientConnection::Fail(LoadError error, absl::string_view what) {
  if (state_ != State::kOpen && state_ != State::kHalfClosed) return;
  CountError(error, what);
  connection_->Abort(absl::AbortedError(what));
}

void ClientConnection::OnClosed(Stream&, absl::Status why, CloseReason reason) {
  const bool was_open = state_ != State::kNew;
  SLUICE_LOG(shared_->logger, kDebug, "connection {} closed: {}", number_,
             why.ok() ? CloseReasonName(reason) : why.message());
  if (!was_open) {
    CountError(LoadError::kConnectFailed, why.message());
  } else if (state_ != State::kFailed && !why.ok()) {
    CountError(reason == CloseReason::kPeerReset ? LoadError::kReset
                                                 : LoadError::kIoError,
               absl::StrCat("connection ", number_, ": ", why.message()));
  }
  state_ = State::kEnded;
  if (was_open) {
    shared_->owner->OnEnded();
  } else {
    shared_->owner->OnConnectEnded(false);
  }
}

void ClientConnection::CountError(LoadError error, absl::string_view what) {
  state_ = State::kFailed;
  shared_->in_flight -= in_flight();
  sent_ = answered_;
  shared_->results->Count(error, what);
}

}  // namespace sluice

#include "sluice/net/transport/scripted_transport.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/net/socket_address.h"

namespace sluice {

class ScriptedTransport::Impl final : public Transport {
 public:
  explicit Impl(ScriptedTransport* script) : script_(script) {}

  void Start(Sink* sink) override {
    SLUICE_CHECK(script_->sink_ == nullptr);
    script_->sink_ = sink;
  }
  void SetReading(bool on) override {
    SLUICE_CHECK(!script_->failed_);
    script_->reading_ = on;
  }
  size_t TrySend(absl::Span<const absl::string_view> pieces) override {
    CheckMaySend();
    SLUICE_CHECK(script_->output_ == nullptr);
    size_t sent = 0;
    for (const absl::string_view piece : pieces) {
      const size_t taken = std::min(piece.size(), script_->try_send_bytes_);
      script_->wire_.append(piece.data(), taken);
      script_->try_send_bytes_ -= taken;
      sent += taken;
    }
    return sent;
  }
  void Flush(OutputQueue* output) override {
    CheckMaySend();
    SLUICE_CHECK(!output->empty());
    SLUICE_CHECK(script_->output_ == nullptr || script_->output_ == output);
    script_->output_ = output;
  }
  void ShutdownWrite() override {
    SLUICE_CHECK(script_->opened_ && !script_->failed_);
    script_->shutdown_write_ = true;
    if (script_->output_ == nullptr) script_->fin_sent_ = true;
  }
  bool HasUnreadInput() const override { return false; }
  void Close(CloseMode mode) override {
    SLUICE_CHECK(!script_->closed_.has_value());
    script_->closed_ = script_->output_ == nullptr ? mode : CloseMode::kReset;
    delete this;
  }
  absl::StatusOr<SocketAddress> Address(SocketApi::End) const override {
    return SocketAddress::Loopback4(7);
  }

 private:
  ~Impl() override = default;

  void CheckMaySend() const {
    SLUICE_CHECK(script_->opened_ && !script_->failed_);
    SLUICE_CHECK(!script_->shutdown_write_);
  }

  ScriptedTransport* const script_;
};

TransportPtr ScriptedTransport::NewTransport() {
  return TransportPtr(new Impl(this));
}

void ScriptedTransport::Open() {
  if (closed_.has_value()) return;
  opened_ = true;
  sink_->OnOpen();
}

void ScriptedTransport::Input(absl::string_view bytes) {
  if (closed_.has_value() || bytes.empty()) return;
  SLUICE_CHECK(opened_ && reading_ && !input_ended_);
  // A copy, so that a sanitizer sees uses after the call.
  const std::string copy(bytes);
  sink_->OnInput(copy);
}

void ScriptedTransport::InputEnd() {
  if (closed_.has_value()) return;
  SLUICE_CHECK(opened_ && reading_ && !input_ended_);
  input_ended_ = true;
  sink_->OnInputEnd();
}

void ScriptedTransport::Error(absl::Status error, CloseReason reason) {
  if (closed_.has_value()) return;
  failed_ = true;
  sink_->OnError(std::move(error), reason);
}

void ScriptedTransport::Send(size_t max) {
  if (closed_.has_value() || output_ == nullptr || max == 0) return;
  uint64_t sent = 0;
  while (sent < max && !output_->empty()) {
    absl::string_view piece;
    output_->Gather(absl::MakeSpan(&piece, 1));
    piece = piece.substr(0, max - sent);
    wire_.append(piece.data(), piece.size());
    sent += piece.size();
    output_->Consume(piece.size());
  }
  if (output_->empty()) {
    output_ = nullptr;
    if (shutdown_write_) fin_sent_ = true;
  }
  sink_->OnSent(sent);
}

std::string ScriptedTransport::TakeWire() {
  return std::exchange(wire_, std::string());
}

}  // namespace sluice

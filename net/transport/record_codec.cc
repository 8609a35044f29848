#include "sluice/net/transport/record_codec.h"

#include <algorithm>
#include <utility>

#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr size_t kHeaderSize = 3;
constexpr size_t kChecksumSize = 4;
static_assert(kHeaderSize + kChecksumSize == kRecordOverhead);

uint8_t SaltOf(uint64_t index) { return static_cast<uint8_t>(index * 37 + 11); }

void Transform(uint8_t salt, absl::Span<char> bytes) {
  uint32_t state = salt;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(byte ^ static_cast<char>(state >> 24));
  }
}

// FNV-1a.
uint32_t Checksum(uint64_t index, absl::string_view header,
                  absl::string_view payload) {
  uint32_t hash = 2166136261;
  const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 16777619; };
  for (int shift = 0; shift < 64; shift += 8) {
    add(static_cast<uint8_t>(index >> shift));
  }
  for (const char byte : header) add(static_cast<uint8_t>(byte));
  for (const char byte : payload) add(static_cast<uint8_t>(byte));
  return hash;
}

uint32_t ReadBigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

DecodedRecord Bad(absl::string_view error) {
  DecodedRecord record;
  record.kind = RecordKind::kBad;
  record.error = error;
  return record;
}

class RecordPeerCodec final : public TransportPeerCodec {
 public:
  void Send(absl::string_view plain) override {
    while (!plain.empty()) {
      const absl::string_view payload = plain.substr(0, kMaxRecordPayload);
      output_ += EncodeRecord(sent_++, payload);
      plain.remove_prefix(payload.size());
    }
  }
  void SendEnd() override { output_ += EncodeRecord(sent_++, ""); }
  std::string TakeOutput() override {
    return std::exchange(output_, std::string());
  }
  bool Receive(absl::string_view wire, std::string* plain) override;
  bool open() const override { return open_; }
  bool may_end() const override { return ended_; }

 private:
  std::string output_{kRecordHello};
  std::string received_;
  uint64_t sent_ = 0;
  uint64_t decoded_ = 0;
  bool open_ = false;
  bool ended_ = false;
};

bool RecordPeerCodec::Receive(absl::string_view wire, std::string* plain) {
  received_.append(wire.data(), wire.size());
  size_t position = 0;
  if (!open_) {
    const size_t size = std::min(received_.size(), kRecordHello.size());
    if (received_.compare(0, size, kRecordHello.substr(0, size)) != 0) {
      return false;
    }
    if (size < kRecordHello.size()) return true;
    open_ = true;
    position = size;
  }
  while (!ended_) {
    const DecodedRecord record =
        DecodeRecord(decoded_, absl::MakeSpan(received_).subspan(position));
    if (record.kind == RecordKind::kBad) return false;
    if (record.kind == RecordKind::kIncomplete) break;
    ended_ = record.kind == RecordKind::kEnd;
    ++decoded_;
    plain->append(record.payload.data(), record.payload.size());
    position += record.wire_size;
  }
  received_.erase(0, position);
  return !ended_ || received_.empty();
}

}  // namespace

std::string EncodeRecord(uint64_t index, absl::string_view payload) {
  SLUICE_CHECK(payload.size() <= kMaxRecordPayload);
  const uint8_t salt = SaltOf(index);
  std::string wire = {static_cast<char>(payload.size() >> 8),
                      static_cast<char>(payload.size()),
                      static_cast<char>(salt)};
  const uint32_t checksum = Checksum(index, wire, payload);
  wire.append(payload.data(), payload.size());
  Transform(salt, absl::MakeSpan(wire).subspan(kHeaderSize));
  for (int shift = 24; shift >= 0; shift -= 8) {
    wire.push_back(static_cast<char>(checksum >> shift));
  }
  return wire;
}

DecodedRecord DecodeRecord(uint64_t index, absl::Span<char> wire) {
  const absl::string_view bytes(wire.data(), wire.size());
  if (bytes.size() < 2) return {};
  const size_t length = ReadBigEndian(bytes.substr(0, 2));
  if (length > kMaxRecordPayload) return Bad("a record is too long");
  DecodedRecord record;
  record.wire_size = length + kRecordOverhead;
  if (bytes.size() < record.wire_size) return {};
  Transform(static_cast<uint8_t>(wire[2]), wire.subspan(kHeaderSize, length));
  record.payload = bytes.substr(kHeaderSize, length);
  const uint32_t checksum =
      ReadBigEndian(bytes.substr(kHeaderSize + length, kChecksumSize));
  if (checksum !=
      Checksum(index, bytes.substr(0, kHeaderSize), record.payload)) {
    return Bad("a record has a wrong checksum");
  }
  record.kind = length > 0 ? RecordKind::kData : RecordKind::kEnd;
  return record;
}

std::unique_ptr<TransportPeerCodec> NewRecordPeerCodec() {
  return std::make_unique<RecordPeerCodec>();
}

}  // namespace sluice

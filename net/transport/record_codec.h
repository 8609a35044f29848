#ifndef SLUICE_NET_TRANSPORT_RECORD_CODEC_H_
#define SLUICE_NET_TRANSPORT_RECORD_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/net/transport/transport_peer_codec.h"

namespace sluice {

// The wire format of RecordTransport (testonly). It is as awkward as that of
// TLS, and protects nothing.
//
// Each end sends kRecordHello, then records, the last of which is the end
// record, then FIN. A record is
//
//   length of the payload   2 bytes, big-endian; 0 in the end record
//   salt                    1 byte, different in successive records
//   payload                 each byte XORed with a byte of the salt's sequence
//   checksum                4 bytes, of the record's index, the fields above
//                           and the plain payload
//
// The index counts the records of one direction from 0, so that a record that
// is missing, repeated or out of order has a wrong checksum.

inline constexpr absl::string_view kRecordHello = "records/1\n";
inline constexpr size_t kMaxRecordPayload = 16 * 1024;
inline constexpr size_t kRecordOverhead = 7;

// Returns the bytes of a record: of the end record if `payload` is empty.
// REQUIRES: payload.size() <= kMaxRecordPayload.
std::string EncodeRecord(uint64_t index, absl::string_view payload);

enum class RecordKind { kIncomplete, kData, kEnd, kBad };

struct DecodedRecord {
  RecordKind kind = RecordKind::kIncomplete;
  size_t wire_size = 0;       // of kData and kEnd: bytes of the record
  absl::string_view payload;  // of kData; part of the decoded bytes
  absl::string_view error;    // of kBad, in static storage
};

// Decodes the record at the front of `wire`. Decodes in place: changes the
// bytes of a complete record, and no others.
DecodedRecord DecodeRecord(uint64_t index, absl::Span<char> wire);

// Returns the other end of a RecordTransport.
std::unique_ptr<TransportPeerCodec> NewRecordPeerCodec();

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_RECORD_CODEC_H_

#include "sluice/net/transport/record_codec.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport_peer_codec.h"

namespace sluice {
namespace {

TEST(RecordCodec, DecodesEachSizeThatItEncodes) {
  for (const size_t size :
       {size_t{1}, size_t{2}, size_t{255}, size_t{256}, kMaxRecordPayload}) {
    const std::string payload = TestPattern(size);
    std::string wire = EncodeRecord(7, payload);
    EXPECT_EQ(wire.size(), size + kRecordOverhead);
    const DecodedRecord record = DecodeRecord(7, absl::MakeSpan(wire));
    EXPECT_EQ(record.kind, RecordKind::kData);
    EXPECT_EQ(record.wire_size, wire.size());
    EXPECT_TRUE(record.payload == payload);
  }
}

TEST(RecordCodec, TheEmptyRecordIsTheEnd) {
  std::string wire = EncodeRecord(0, "");
  EXPECT_EQ(DecodeRecord(0, absl::MakeSpan(wire)).kind, RecordKind::kEnd);
}

TEST(RecordCodec, ThePayloadIsNotOnTheWire) {
  EXPECT_EQ(EncodeRecord(0, "payload").find("payload"), std::string::npos);
  EXPECT_NE(EncodeRecord(0, "payload"), EncodeRecord(1, "payload"));
}

TEST(RecordCodec, APrefixIsIncompleteAndUnchanged) {
  const std::string whole = EncodeRecord(3, "payload");
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string wire = whole.substr(0, size);
    const DecodedRecord record = DecodeRecord(3, absl::MakeSpan(wire));
    EXPECT_EQ(record.kind, RecordKind::kIncomplete);
    EXPECT_EQ(record.wire_size, 0u);
    EXPECT_EQ(wire, whole.substr(0, size));
  }
}

TEST(RecordCodec, EachChangedByteIsSeen) {
  // The byte after the record is there if a larger length asks for it.
  const std::string whole = EncodeRecord(3, "payload") + std::string(300, 'x');
  for (size_t i = 0; i < whole.size() - 300; ++i) {
    std::string wire = whole;
    wire[i] ^= 1;
    EXPECT_EQ(DecodeRecord(3, absl::MakeSpan(wire)).kind, RecordKind::kBad)
        << i;
  }
}

TEST(RecordCodec, ARecordOutOfOrderIsSeen) {
  std::string wire = EncodeRecord(3, "payload");
  EXPECT_EQ(DecodeRecord(2, absl::MakeSpan(wire)).kind, RecordKind::kBad);
}

TEST(RecordCodec, ALengthOverTheBoundIsSeenByItsTwoBytes) {
  std::string wire("\x40\x01", 2);  // 16385
  EXPECT_EQ(DecodeRecord(0, absl::MakeSpan(wire)).kind, RecordKind::kBad);
}

TEST(RecordPeerCodec, TwoPeersUnderstandEachOtherHoweverTheBytesAreCut) {
  const std::string bytes = TestPattern(40'000);
  for (const size_t step : {size_t{1}, size_t{5}, size_t{10'000}}) {
    const auto from = NewRecordPeerCodec();
    const auto to = NewRecordPeerCodec();
    std::string wire = from->TakeOutput();
    from->Send(bytes);
    from->SendEnd();
    absl::StrAppend(&wire, from->TakeOutput());
    EXPECT_FALSE(to->open());
    std::string plain;
    for (size_t i = 0; i < wire.size(); i += step) {
      EXPECT_FALSE(to->may_end());
      ASSERT_TRUE(to->Receive(absl::string_view(wire).substr(i, step), &plain));
    }
    EXPECT_TRUE(to->open());
    EXPECT_TRUE(to->may_end());
    EXPECT_TRUE(plain == bytes);
  }
}

TEST(RecordPeerCodec, RefusesWhatBreaksTheFormat) {
  std::string plain;
  EXPECT_FALSE(NewRecordPeerCodec()->Receive("rubbish", &plain));
  EXPECT_FALSE(NewRecordPeerCodec()->Receive(
      absl::StrCat(kRecordHello, EncodeRecord(1, "not the first")), &plain));
  EXPECT_FALSE(NewRecordPeerCodec()->Receive(
      absl::StrCat(kRecordHello, EncodeRecord(0, ""), "more"), &plain));
  EXPECT_EQ(plain, "");
}

TEST(PlainPeerCodec, ChangesNothing) {
  const auto codec = NewPlainPeerCodec();
  EXPECT_TRUE(codec->open() && codec->may_end());
  codec->Send("plain");
  codec->SendEnd();
  EXPECT_EQ(codec->TakeOutput(), "plain");
  EXPECT_EQ(codec->TakeOutput(), "");
  std::string plain;
  EXPECT_TRUE(codec->Receive("bytes", &plain));
  EXPECT_EQ(plain, "bytes");
}

}  // namespace
}  // namespace sluice

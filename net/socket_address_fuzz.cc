#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"
#include "sluice/base/testing/fuzz_input.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

// Parses from memory without a byte after the end, so that asan sees overruns.
absl::StatusOr<SocketAddress> FromBytes(absl::string_view bytes) {
  const auto memory = std::make_unique<char[]>(bytes.size());
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  return SocketAddress::FromSockaddr(
      reinterpret_cast<const sockaddr*>(memory.get()),
      static_cast<socklen_t>(bytes.size()));
}

absl::StatusOr<SocketAddress> ParseBytes(absl::string_view text) {
  const auto memory = std::make_unique<char[]>(text.size());
  std::memcpy(memory.get(), text.data(), text.size());
  return SocketAddress::Parse({memory.get(), text.size()});
}

std::string Bytes(const SocketAddress& address) {
  return {reinterpret_cast<const char*>(address.data()), address.size()};
}

// Compares ToString() and the accessors with the bytes.
void CheckParts(const SocketAddress& address) {
  const std::string bytes = Bytes(address);
  const std::string text = address.ToString();
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (address.family() == AF_UNIX) {
    SLUICE_CHECK(address.port() == 0 && absl::StartsWith(text, "unix:"));
    const absl::string_view path = address.unix_path();
    SLUICE_CHECK(path.size() < bytes.size() && path.data()[path.size()] == 0);
    return;
  }
  SLUICE_CHECK(address.port() == byte(2) * 256 + byte(3));
  SLUICE_CHECK(address.unix_path().empty());
  if (address.family() == AF_INET) {
    SLUICE_CHECK(text == absl::StrCat(byte(4), ".", byte(5), ".", byte(6), ".",
                                      byte(7), ":", address.port()));
  } else {
    SLUICE_CHECK(address.family() == AF_INET6 &&
                 text[0] == (address.both_families() ? ':' : '['));
    SLUICE_CHECK(absl::EndsWith(text, absl::StrCat(":", address.port())));
  }
}

void CheckRoundTrips(const SocketAddress& address) {
  const std::string text = address.ToString();
  for (const char c : text) SLUICE_CHECK(absl::ascii_isprint(c));
  const auto parsed = ParseBytes(text);
  SLUICE_CHECK(parsed.ok() && *parsed == address);
  // The sockaddr does not say that an address is of both families.
  const auto copied = FromBytes(Bytes(address));
  SLUICE_CHECK(copied.ok() && (*copied == address) != address.both_families());
}

void CheckPair(const SocketAddress& a, const SocketAddress& b) {
  SLUICE_CHECK((a == b) == (a.ToString() == b.ToString()));
  SLUICE_CHECK((a == b) == (b == a));
}

void Check(const absl::StatusOr<SocketAddress>& address, FuzzInput& input) {
  if (!address.ok()) {
    SLUICE_CHECK(absl::IsInvalidArgument(address.status()));
    return;
  }
  CheckParts(*address);
  CheckRoundTrips(*address);
  // Changes one byte, which may be without meaning.
  std::string bytes = Bytes(*address);
  bytes[input.Below(bytes.size())] ^= static_cast<char>(input.Number(1));
  if (const auto other = FromBytes(bytes); other.ok()) {
    CheckParts(*other);
    CheckRoundTrips(*other);
    CheckPair(*address, *other);
  }
}

}  // namespace
}  // namespace sluice

// The input has a change to an address, and the address: as text if the first
// byte is even, as a sockaddr if it is odd.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::FuzzInput input(data, size);
  const bool binary = input.Bool();
  const std::string change = input.Text(2);
  sluice::FuzzInput changes(reinterpret_cast<const uint8_t*>(change.data()),
                            change.size());
  const std::string bytes = input.Rest();
  sluice::Check(binary ? sluice::FromBytes(bytes) : sluice::ParseBytes(bytes),
                changes);
  return 0;
}

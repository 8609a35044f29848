#include "sluice/net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr socklen_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);
// A path needs room for the NUL after it, an abstract name for the NUL before
// it.
constexpr size_t kMaxUnixName = sizeof(sockaddr_un::sun_path) - 1;

absl::Status ParseError(absl::string_view text, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(
      "address \"", absl::CHexEscape(text), "\": ", problem,
      "; expected 1.2.3.4:80, [::1]:80, :80, unix:/path or unix:@name"));
}

// Parses digits without leading zeros; returns nullopt for other text or a
// number above `max`.
std::optional<uint32_t> ParseDecimal(absl::string_view text, uint32_t max) {
  uint32_t value;
  if ((text.size() > 1 && text[0] == '0') ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &value) || value > max) {
    return std::nullopt;
  }
  return value;
}

// Returns 0 if there is no such interface.
uint32_t ParseScope(absl::string_view text) {
  if (const auto index = ParseDecimal(text, UINT32_MAX)) return *index;
  return if_nametoindex(std::string(text).c_str());
}

// Returns nullopt if a backslash does not begin an escape.
std::optional<std::string> UnescapeUnixName(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '\\');
  std::string name(parts.front());
  for (const absl::string_view part : absl::MakeConstSpan(parts).subspan(1)) {
    uint32_t value;
    if (part.size() < 3 || part[0] != 'x' || !absl::ascii_isxdigit(part[1]) ||
        !absl::ascii_isxdigit(part[2]) ||
        !absl::SimpleHexAtoi(part.substr(1, 2), &value)) {
      return std::nullopt;
    }
    name.push_back(static_cast<char>(value));
    absl::StrAppend(&name, part.substr(3));
  }
  return name;
}

void AppendEscaped(char c, std::string* out) {
  absl::StrAppend(
      out, "\\x",
      absl::Hex(static_cast<unsigned char>(c), absl::PadSpec::kZeroPad2));
}

void AppendUnixName(absl::string_view name, std::string* out) {
  for (const char c : name) {
    if (absl::ascii_isprint(c) && c != '\\') {
      out->push_back(c);
    } else {
      AppendEscaped(c, out);
    }
  }
}

}  // namespace

SocketAddress::SocketAddress(const void* address, socklen_t size)
    : size_(size) {
  std::memcpy(&storage_, address, size);
}

SocketAddress SocketAddress::Loopback4(uint16_t port) {
  return *Parse(absl::StrCat("127.0.0.1:", port));
}

SocketAddress SocketAddress::Loopback6(uint16_t port) {
  return *Parse(absl::StrCat("[::1]:", port));
}

SocketAddress SocketAddress::Everywhere(uint16_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  SocketAddress address(&in, sizeof(in));
  address.both_families_ = true;
  return address;
}

SocketAddress SocketAddress::Unix(absl::string_view name, bool abstract) {
  SLUICE_CHECK(name.size() <= kMaxUnixName && (abstract || !name.empty()));
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  // The NUL comes before an abstract name, and after a path.
  std::memcpy(un.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  return SocketAddress(&un, kUnixPathOffset + name.size() + 1);
}

absl::StatusOr<SocketAddress> SocketAddress::Parse(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) return ParseUnix(text, rest);

  const size_t colon = text.rfind(':');
  if (colon == text.npos) return ParseError(text, "there is no port");
  const auto port = ParseDecimal(text.substr(colon + 1), UINT16_MAX);
  if (!port.has_value()) {
    return ParseError(text, "the port is not a decimal number from 0 to 65535");
  }
  absl::string_view host = text.substr(0, colon);
  // inet_pton() and if_nametoindex() would ignore the text after a NUL.
  if (absl::StrContains(host, '\0')) return ParseError(text, "there is a NUL");

  if (host.empty()) return Everywhere(static_cast<uint16_t>(*port));
  if (!absl::ConsumePrefix(&host, "[")) {
    if (absl::StrContains(host, ':')) {
      return ParseError(text, "an IPv6 address needs brackets around it");
    }
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<uint16_t>(*port));
    if (inet_pton(AF_INET, std::string(host).c_str(), &in.sin_addr) != 1) {
      return ParseError(text, "the host is not a numeric IPv4 address");
    }
    return SocketAddress(&in, sizeof(in));
  }

  if (!absl::ConsumeSuffix(&host, "]")) {
    return ParseError(text, "there is no \"]:\" before the port");
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(static_cast<uint16_t>(*port));
  if (const size_t percent = host.find('%'); percent != host.npos) {
    in.sin6_scope_id = ParseScope(host.substr(percent + 1));
    if (in.sin6_scope_id == 0) {
      return ParseError(text, "the scope after % is not a network interface");
    }
    host = host.substr(0, percent);
  }
  if (inet_pton(AF_INET6, std::string(host).c_str(), &in.sin6_addr) != 1) {
    return ParseError(text, "in the brackets is not a numeric IPv6 address");
  }
  return SocketAddress(&in, sizeof(in));
}

absl::StatusOr<SocketAddress> SocketAddress::ParseUnix(absl::string_view text,
                                                       absl::string_view name) {
  const bool abstract = absl::ConsumePrefix(&name, "@");
  const auto bytes = UnescapeUnixName(name);
  if (!bytes.has_value()) {
    return ParseError(text,
                      "a backslash begins no \\xNN of two hexadecimal digits");
  }
  if (bytes->size() > kMaxUnixName) {
    return ParseError(
        text, absl::StrCat("the name has ", bytes->size(),
                           " bytes and the system takes ", kMaxUnixName));
  }
  if (!abstract && bytes->empty()) {
    const sa_family_t unnamed = AF_UNIX;
    return SocketAddress(&unnamed, sizeof(unnamed));
  }
  if (!abstract && absl::StrContains(*bytes, '\0')) {
    return ParseError(text, "there is a NUL in the path");
  }
  return Unix(*bytes, abstract);
}

absl::StatusOr<SocketAddress> SocketAddress::FromSockaddr(
    const sockaddr* address, socklen_t size) {
  sa_family_t family = AF_UNSPEC;
  const auto error = [&](absl::string_view problem) {
    return absl::InvalidArgumentError(absl::StrCat(
        "socket address of ", size, " bytes and family ", family, problem));
  };
  if (size < sizeof(family)) return error(" is too short for a family");
  std::memcpy(&family, address, sizeof(family));
  if (family == AF_INET) {
    sockaddr_in in;
    if (size < sizeof(in)) return error(" is too short for IPv4");
    std::memcpy(&in, address, sizeof(in));
    std::memset(in.sin_zero, 0, sizeof(in.sin_zero));
    return SocketAddress(&in, sizeof(in));
  }
  if (family == AF_INET6) {
    sockaddr_in6 in;
    if (size < sizeof(in)) return error(" is too short for IPv6");
    std::memcpy(&in, address, sizeof(in));
    in.sin6_flowinfo = 0;
    return SocketAddress(&in, sizeof(in));
  }
  if (family != AF_UNIX) return error(" is not IPv4, IPv6 or Unix-domain");

  if (size == sizeof(family)) return SocketAddress(&family, sizeof(family));
  const absl::string_view name(
      reinterpret_cast<const char*>(address) + kUnixPathOffset,
      size - kUnixPathOffset);
  if (name[0] == '\0' && name.size() <= kMaxUnixName + 1) {
    return Unix(name.substr(1), /*abstract=*/true);
  }
  const absl::string_view path = name.substr(0, name.find('\0'));
  if (path.empty() || path.size() > kMaxUnixName) {
    return error(" has too long a name");
  }
  return Unix(path, /*abstract=*/false);
}

uint16_t SocketAddress::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    default:
      return 0;
  }
}

absl::string_view SocketAddress::unix_path() const {
  if (family() != AF_UNIX || size_ <= kUnixPathOffset) return "";
  // An abstract name begins with NUL.
  return reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
}

std::string SocketAddress::ToString() const {
  char host[INET6_ADDRSTRLEN];
  switch (family()) {
    case AF_INET: {
      const auto* in = reinterpret_cast<const sockaddr_in*>(&storage_);
      inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
      return absl::StrCat(host, ":", port());
    }
    case AF_INET6: {
      if (both_families_) return absl::StrCat(":", port());
      const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage_);
      inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
      const std::string scope =
          in->sin6_scope_id == 0 ? "" : absl::StrCat("%", in->sin6_scope_id);
      return absl::StrCat("[", host, scope, "]:", port());
    }
    case AF_UNIX: {
      std::string text = "unix:";
      if (absl::string_view path = unix_path(); !path.empty()) {
        if (absl::ConsumePrefix(&path, "@")) AppendEscaped('@', &text);
        AppendUnixName(path, &text);
      } else if (size_ > kUnixPathOffset) {
        const auto* un = reinterpret_cast<const sockaddr_un*>(&storage_);
        text.push_back('@');
        AppendUnixName(
            absl::string_view(un->sun_path + 1, size_ - kUnixPathOffset - 1),
            &text);
      }
      return text;
    }
    default:
      return "unspecified";
  }
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  return a.size_ == b.size_ && a.both_families_ == b.both_families_ &&
         std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

}  // namespace sluice

#include "sluice/apps/common/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

// RFC 1123 allows letters, digits, hyphens and dots. Some names in use have
// underscores too.
bool IsHostName(absl::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789-._") == absl::string_view::npos;
}

// Returns true if the last part of `host` is a number, as in 127.1 and 0x7f.1,
// which inet_aton(3) takes for addresses, and in 1.2.3.4.5. No host name in use
// ends in a number.
bool EndsInNumber(absl::string_view host) {
  absl::ConsumeSuffix(&host, ".");
  const absl::string_view last = host.substr(host.rfind('.') + 1);
  if (absl::StartsWithIgnoreCase(last, "0x")) {
    return last.find_first_not_of("0123456789abcdefABCDEF", 2) ==
           absl::string_view::npos;
  }
  return !last.empty() &&
         last.find_first_not_of("0123456789") == absl::string_view::npos;
}

// RFC 6761, 6.3: these names are loopback, whatever files and servers say. A
// small container has no /etc/hosts.
bool IsLocalhost(absl::string_view host) {
  absl::ConsumeSuffix(&host, ".");
  return absl::EqualsIgnoreCase(host, "localhost") ||
         absl::EndsWithIgnoreCase(host, ".localhost");
}

}  // namespace

absl::StatusOr<SocketAddress> Resolve(absl::string_view text) {
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
  if (parsed.ok()) return parsed;
  const size_t colon = text.rfind(':');
  const std::string host(text.substr(0, colon));
  if (colon == absl::string_view::npos || !IsHostName(host)) return parsed;
  // Checks the port by the rules of SocketAddress, for its error message.
  const absl::StatusOr<SocketAddress> any =
      SocketAddress::Parse(absl::StrCat("0.0.0.0", text.substr(colon)));
  if (!any.ok()) return parsed;

  if (EndsInNumber(host)) {
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", text,
                     "\": write an IPv4 address as four decimal numbers "
                     "without leading zeros, as in 127.0.0.1:80"));
  }
  if (IsLocalhost(host)) return SocketAddress::Loopback4(any->port());
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(
      host.c_str(), std::to_string(any->port()).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("look-up of ", text, ": ", gai_strerror(error)));
  }
  const absl::Cleanup free = [found] { freeaddrinfo(found); };
  const addrinfo* best = found;
  while (best != nullptr && best->ai_family != AF_INET) best = best->ai_next;
  if (best == nullptr) best = found;
  return SocketAddress::FromSockaddr(best->ai_addr, best->ai_addrlen);
}

}  // namespace sluice

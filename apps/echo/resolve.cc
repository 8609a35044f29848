#include "sluice/apps/echo/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// What may stand for a number: letters, digits, hyphens and dots, RFC 1123, and
// the underscore that names in use have.
bool IsHostName(absl::string_view text) {
  return !text.empty() &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyz"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789-._") == absl::string_view::npos &&
         text.find_first_not_of("0123456789.") != absl::string_view::npos;
}

}  // namespace

absl::StatusOr<SocketAddress> Resolve(absl::string_view text) {
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(text);
  if (parsed.ok()) return parsed;
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || !IsHostName(text.substr(0, colon))) {
    return parsed;
  }
  // The port by our own rules, and the message about it.
  const absl::StatusOr<SocketAddress> any =
      SocketAddress::Parse(absl::StrCat("0.0.0.0", text.substr(colon)));
  if (!any.ok()) return parsed;

  const std::string host(text.substr(0, colon));
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
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found,
                                                             freeaddrinfo);
  const addrinfo* best = found;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET) continue;
    best = info;
    break;
  }
  return SocketAddress::FromSockaddr(best->ai_addr, best->ai_addrlen);
}

}  // namespace sluice

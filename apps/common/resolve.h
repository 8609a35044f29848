#ifndef SLUICE_APPS_COMMON_RESOLVE_H_
#define SLUICE_APPS_COMMON_RESOLVE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// Returns the address that a flag names: what SocketAddress::Parse() takes, or
// a host's name in place of its number. "localhost" and names that end in
// ".localhost" are 127.0.0.1. Others are looked up by getaddrinfo(3): the first
// IPv4 address of the host, or its first address if it has no IPv4. Blocks; for
// main(), before its loops run. kInvalidArgument: not an address, among them
// the short forms of inet_aton(3), as 127.1; kUnavailable: the name was not
// found.
absl::StatusOr<SocketAddress> Resolve(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_RESOLVE_H_

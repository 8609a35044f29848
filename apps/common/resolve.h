#ifndef SLUICE_APPS_COMMON_RESOLVE_H_
#define SLUICE_APPS_COMMON_RESOLVE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// Returns the address that a flag names. Takes all that SocketAddress::Parse()
// takes, and HOST:PORT with the name of a host. "localhost" and names that
// end in ".localhost" are 127.0.0.1. Looks up other names with getaddrinfo(3),
// and returns the first IPv4 address of the host, or its first address if the
// host has no IPv4. A look-up blocks, for seconds if no name server answers:
// call this in main(), before the loops run. Returns kInvalidArgument if `text`
// is not an address, such as 127.1 and other short forms of inet_aton(3);
// kUnavailable if the look-up fails.
absl::StatusOr<SocketAddress> Resolve(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_RESOLVE_H_

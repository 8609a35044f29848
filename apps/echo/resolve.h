#ifndef SLUICE_APPS_ECHO_RESOLVE_H_
#define SLUICE_APPS_ECHO_RESOLVE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// The address that a flag names: what SocketAddress::Parse() takes, or a host's
// name in place of its number, looked up by getaddrinfo(3): its first IPv4
// address, else its first. Blocks; for main(), before its loops run.
// kInvalidArgument: not an address; kUnavailable: the name was not found.
absl::StatusOr<SocketAddress> Resolve(absl::string_view text);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_RESOLVE_H_

#ifndef SLUICE_BASE_VERSION_H_
#define SLUICE_BASE_VERSION_H_

namespace sluice {

// The version of this release, by semver.org: before 1.0 interfaces may change.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace sluice

#endif  // SLUICE_BASE_VERSION_H_

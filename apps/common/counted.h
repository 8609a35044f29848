#ifndef SLUICE_APPS_COMMON_COUNTED_H_
#define SLUICE_APPS_COMMON_COUNTED_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Returns "1 connection" or "2 connections". `noun` is the singular, and its
// plural ends in "s".
inline std::string Counted(uint64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_COUNTED_H_

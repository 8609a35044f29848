// A library of the distribution, found by bazel/system_library.bzl, or, under
// modules, the Registry's module of the same library: headers and library are
// there, and belong together.

#include <zlib.h>

#include <string>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(SystemLibraryTest, CompilesWithTheHeadersOfTheLibraryThatItLinks) {
  EXPECT_STREQ(zlibVersion(), ZLIB_VERSION);
}

TEST(SystemLibraryTest, InflatesWhatItDeflates) {
  const std::string text(100000, 'x');
  uLongf deflated_size = compressBound(text.size());
  std::string deflated(deflated_size, '\0');
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(deflated.data()), &deflated_size,
                     reinterpret_cast<const Bytef*>(text.data()), text.size()),
            Z_OK);
  EXPECT_LT(deflated_size, text.size() / 100);

  uLongf inflated_size = text.size();
  std::string inflated(inflated_size, '\0');
  ASSERT_EQ(uncompress(
                reinterpret_cast<Bytef*>(inflated.data()), &inflated_size,
                reinterpret_cast<const Bytef*>(deflated.data()), deflated_size),
            Z_OK);
  EXPECT_EQ(inflated_size, text.size());
  EXPECT_EQ(inflated, text);
}

}  // namespace
}  // namespace sluice

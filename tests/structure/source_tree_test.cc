#include "sluice/tests/structure/source_tree.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(SourceTreeTest, FindsEachFileWithAnyContents) {
  const auto tree =
      ParseSourceTree("a/b.cc 4\nx\ny\n\nc 0\n\nd e 6\na 1\nb\n\n");
  SLUICE_ASSERT_OK(tree);
  ASSERT_EQ(tree->size(), 3u);
  EXPECT_EQ((*tree)[0].path, "a/b.cc");
  EXPECT_EQ((*tree)[0].text, "x\ny\n");
  EXPECT_EQ((*tree)[1].path, "c");
  EXPECT_EQ((*tree)[1].text, "");
  EXPECT_EQ((*tree)[2].path, "d e");
  EXPECT_EQ((*tree)[2].text, "a 1\nb\n");
}

TEST(SourceTreeTest, RefusesATruncatedTree) {
  const std::string whole = "a 2\nxy\nb 1\nz\n";
  SLUICE_EXPECT_OK(ParseSourceTree(whole));
  for (size_t size = 1; size < whole.size(); ++size) {
    if (size == 7) continue;  // the first file, whole
    EXPECT_THAT(ParseSourceTree(whole.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(ParseSourceTree("a x\n\n"),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseSourceTree("a 99999999999999999999\n\n"),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace sluice

#include "sluice/bench/report/document_block.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr char kDocument[] =
    "# Title\n"
    "\n"
    "<!-- a: written by //bench:comparisons -->\n"
    "old\n"
    "<!-- end of a -->\n"
    "Prose.\n"
    "<!-- ab: written by //bench:comparisons -->\n"
    "<!-- end of ab -->\n"
    "Last.\n";

TEST(DocumentBlockTest, ReplacesThatBlockAndNothingElse) {
  const auto replaced = ReplaceBlock(kDocument, "a", "\nnew\n\ntext\n");
  SLUICE_ASSERT_OK(replaced);
  EXPECT_EQ(*replaced,
            "# Title\n"
            "\n"
            "<!-- a: written by //bench:comparisons -->\n"
            "\n"
            "new\n"
            "\n"
            "text\n"
            "\n"
            "<!-- end of a -->\n"
            "Prose.\n"
            "<!-- ab: written by //bench:comparisons -->\n"
            "<!-- end of ab -->\n"
            "Last.\n");
  EXPECT_EQ(ReplaceBlock(*replaced, "a", "new\n\ntext").value(), *replaced);
}

TEST(DocumentBlockTest, FillsAnEmptyBlock) {
  const auto replaced = ReplaceBlock(kDocument, "ab", "new");
  SLUICE_ASSERT_OK(replaced);
  EXPECT_THAT(*replaced, HasSubstr("old\n<!-- end of a -->\nProse.\n"));
  EXPECT_THAT(*replaced,
              HasSubstr("comparisons -->\n\nnew\n\n<!-- end of ab -->"));
}

TEST(DocumentBlockTest, EachLineIsThereOnceAndInOrder) {
  const auto error = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(ReplaceBlock(kDocument, "b", "new"),
              error("no line <!-- b: written by //bench:comparisons -->"));
  EXPECT_THAT(ReplaceBlock("\n<!-- a: written by //bench:comparisons -->\n",
                           "a", "new"),
              error("no line <!-- end of a -->"));
  EXPECT_THAT(ReplaceBlock("\n<!-- end of a -->\n"
                           "<!-- a: written by //bench:comparisons -->\n",
                           "a", "new"),
              error("<!-- end of a --> before"));
  EXPECT_THAT(ReplaceBlock(std::string(kDocument) + kDocument, "a", "new"),
              error("more than one line <!-- a:"));
  EXPECT_THAT(
      ReplaceBlock(std::string(kDocument) + "<!-- end of a -->\n", "a", "new"),
      error("more than one line <!-- end of a"));
}

}  // namespace
}  // namespace sluice

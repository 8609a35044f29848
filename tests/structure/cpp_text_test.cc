#include "sluice/tests/structure/cpp_text.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

TEST(CppTextTest, SeparatesCommentsLiteralsAndCode) {
  const struct {
    std::string source, code, comments;
  } cases[] = {
      {"a; // b\nc", "a;     \nc", "   // b\n "},
      {"a /* b\n b */ c", "a     \n      c", "  /* b\n b */  "},
      {"/* // */ a", "         a", "/* // */  "},
      {"f(\"// a\") b", "f(\"    \") b", "           "},
      {"f(\"\\\"a\") b", "f(\"   \") b", "          "},
      {"'\"' a '\\'' b", "' ' a '  ' b", "            "},
      {"1'000 + 2'0 'c'", "1'000 + 2'0 ' '", "               "},
      {"L'x' u8'y'", "L' ' u8' '", "          "},
      {"// a \\\nb\nc", "      \n \nc", "// a \\\nb\n "},
      {"R\"(a\"b\n//)\" c", "R\"    \n   \" c", "      \n      "},
      {"u8R\"x(a)\")x\" c", "u8R\"       \" c", std::string(14, ' ')},
      {"OTHER\"(a\" b", "OTHER\"  \" b", "           "},
      {"\"open\na", "\"    \na", "     \n "},
      {"/* open", "       ", "/* open"},
      {"\"\\", "\" ", "  "},
  };
  for (const auto& c : cases) {
    const CppText text = SplitCpp(c.source);
    EXPECT_EQ(text.code, c.code) << c.source;
    EXPECT_EQ(text.comments, c.comments) << c.source;
  }
}

TEST(CppTextTest, TokensKnowTheirLines) {
  std::vector<std::string> texts;
  std::vector<int> lines;
  for (const CppToken& token : CppTokens("::a_1(b->c,\n  d.e)\n\n;")) {
    texts.emplace_back(token.text);
    lines.push_back(token.line);
  }
  EXPECT_THAT(texts, ElementsAre("::", "a_1", "(", "b", "->", "c", ",", "d",
                                 ".", "e", ")", ";"));
  EXPECT_THAT(lines, ElementsAre(1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4));
}

}  // namespace
}  // namespace sluice

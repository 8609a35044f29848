#include "sluice/tests/structure/source_tree.h"

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

absl::StatusOr<std::vector<SourceFile>> ReadSourceTree() {
  const std::string path = "tests/structure/all_sources.txt";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", path,
                     ": is //tests/structure:all_sources among the data?"));
  }
  return ParseSourceTree(contents.str());
}

absl::StatusOr<std::vector<SourceFile>> ParseSourceTree(
    absl::string_view text) {
  std::vector<SourceFile> tree;
  while (!text.empty()) {
    const absl::string_view header = text.substr(0, text.find('\n'));
    const size_t blank = header.rfind(' ');
    size_t size;
    if (blank == header.npos ||
        !absl::SimpleAtoi(header.substr(blank + 1), &size) ||
        size >= text.size() - header.size() ||
        text.size() - header.size() - size < 2) {
      return absl::DataLossError(absl::StrCat("no whole file ", text.size(),
                                              " bytes from the end: ", header));
    }
    const absl::string_view contents = text.substr(header.size() + 1, size);
    tree.push_back(
        {std::string(header.substr(0, blank)), std::string(contents)});
    text.remove_prefix(header.size() + size + 2);
  }
  return tree;
}

}  // namespace sluice

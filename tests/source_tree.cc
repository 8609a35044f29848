#include "sluice/tests/source_tree.h"

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace sluice {
namespace {

absl::StatusOr<std::string> Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  contents << file.rdbuf();
  if (!file) {
    return absl::NotFoundError(absl::StrCat(
        "cannot read ", path, ": is it among the data of this test?"));
  }
  return contents.str();
}

}  // namespace

absl::StatusOr<std::vector<SourceFile>> ReadSourceTree() {
  absl::StatusOr<std::string> list = Contents("tests/source_list.txt");
  if (!list.ok()) return list.status();
  std::vector<SourceFile> tree;
  for (absl::string_view path :
       absl::StrSplit(*list, '\n', absl::SkipEmpty())) {
    absl::StatusOr<std::string> text = Contents(std::string(path));
    if (!text.ok()) return text.status();
    tree.push_back({std::string(path), *std::move(text)});
  }
  return tree;
}

}  // namespace sluice

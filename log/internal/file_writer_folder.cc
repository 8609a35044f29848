#include "sluice/log/internal/file_writer_folder.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "sluice/base/check.h"

namespace sluice {

FileWriterFolder::FileWriterFolder() {
  const char* const parent = std::getenv("TEST_TMPDIR");
  path_ = absl::StrCat(parent != nullptr ? parent : "/tmp", "/log_XXXXXX");
  SLUICE_CHECK(mkdtemp(path_.data()) != nullptr);
}

FileWriterFolder::~FileWriterFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string FileWriterFolder::Path(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

void FileWriterFolder::Write(absl::string_view name,
                             absl::string_view contents) const {
  std::ofstream(Path(name), std::ios::binary) << contents;
}

std::string FileWriterFolder::Read(absl::string_view name) const {
  std::ifstream file(Path(name), std::ios::binary);
  if (!file) return "none";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::map<std::string, std::string> FileWriterFolder::Files() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file()) files[name] = Read(name);
  }
  return files;
}

std::string FileWriterFolder::Log() const {
  std::map<int, std::string, std::greater<>> by_number;
  for (const auto& [name, contents] : Files()) {
    absl::string_view number = name;
    if (!absl::ConsumePrefix(&number, "log")) continue;
    int n = 0;
    if (number.empty() ||
        (absl::ConsumePrefix(&number, ".") && absl::SimpleAtoi(number, &n))) {
      by_number[n] = contents;
    }
  }
  std::string all;
  for (const auto& [number, contents] : by_number) all += contents;
  return all;
}

}  // namespace sluice

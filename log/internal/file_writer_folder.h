#ifndef SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_
#define SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// A folder of its own for a test of FileWriter, removed with all in it
// (testonly). Thread-compatible.
class FileWriterFolder {
 public:
  FileWriterFolder();
  FileWriterFolder(const FileWriterFolder&) = delete;
  FileWriterFolder& operator=(const FileWriterFolder&) = delete;
  ~FileWriterFolder();

  // The path of a name in it; that of the log is Path("log").
  std::string Path(absl::string_view name) const;
  void Write(absl::string_view name, absl::string_view contents) const;
  // "none" if there is no such file.
  std::string Read(absl::string_view name) const;

  // Name to contents, of all files.
  std::map<std::string, std::string> Files() const;
  // Of log.N, ..., log.1, log: one after another, whatever numbers are missing.
  std::string Log() const;

 private:
  std::string path_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_

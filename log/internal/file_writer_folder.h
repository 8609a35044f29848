#ifndef SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_
#define SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// A temporary folder for a test of FileWriter (testonly). The destructor
// removes it with all files in it. Thread-compatible.
class FileWriterFolder {
 public:
  FileWriterFolder();
  FileWriterFolder(const FileWriterFolder&) = delete;
  FileWriterFolder& operator=(const FileWriterFolder&) = delete;
  ~FileWriterFolder();

  // Returns the path of a file in the folder. The log's is Path("log").
  std::string Path(absl::string_view name) const;
  // Creates or replaces a file in the folder.
  void Write(absl::string_view name, absl::string_view contents) const;
  // Returns the contents of a file, or "none" if there is no such file.
  std::string Read(absl::string_view name) const;

  // Returns the contents of all files by their names.
  std::map<std::string, std::string> Files() const;
  // Returns the contents of log.N, ..., log.1, log, concatenated. Numbers may
  // be missing.
  std::string Log() const;

 private:
  std::string path_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_FILE_WRITER_FOLDER_H_

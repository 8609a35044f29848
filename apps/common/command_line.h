#ifndef SLUICE_APPS_COMMON_COMMAND_LINE_H_
#define SLUICE_APPS_COMMON_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// The flags of a program: --name=VALUE or --name VALUE, by getopt_long(3).
// Flags only; no arguments. --help and --version are always there.
// Thread-compatible.
class CommandLine {
 public:
  // `summary` is one line for --help.
  CommandLine(std::string program, std::string summary);

  // What a flag's value is stored in; `help` says what it does, and is followed
  // by the value that it has now. Pointers outlive Parse().
  void AddString(std::string name, std::string value_name, std::string help,
                 std::string* value);
  // Strings as commas separate them.
  void AddList(std::string name, std::string value_name, std::string help,
               std::vector<std::string>* value);
  void AddBool(std::string name, std::string help, bool* value);
  // A decimal number from `min` on.
  void AddInt(std::string name, std::string help, int64_t min, int64_t* value);
  // "1.5s", "500ms", "inf", or a number of seconds; not negative.
  void AddDuration(std::string name, std::string help, absl::Duration* value);

  enum class Next { kRun, kExit };  // kExit: --help or --version was answered
  // kInvalidArgument names the flag, the value and what is wrong with it.
  // `argv` is not changed.
  absl::StatusOr<Next> Parse(int argc, char* const argv[]);
  // Whether Parse() has met the flag.
  bool given(absl::string_view name) const;

  // What --help prints.
  std::string Help() const;

  // Each prints a line on stderr, "PROGRAM: MESSAGE", and returns the exit
  // code. None blocks if nobody reads stderr: see WriteToStandardError().
  //
  // Reports a usage error, with a second line that names --help. Returns 2.
  int FailUsage(const absl::Status& status) const;
  // Reports any other error. Returns 1.
  int Fail(const absl::Status& status) const;
  // Reports an error about the value of a flag: calls FailUsage() for
  // kInvalidArgument, and Fail() otherwise, as when a host is not found.
  int FailFlag(const absl::Status& status) const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;  // empty: takes none
    std::string help;
    std::string default_value;
    std::function<absl::Status(absl::string_view value)> set;
    bool given = false;
  };

  const std::string program_;
  const std::string summary_;
  std::vector<Flag> flags_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_COMMAND_LINE_H_

#ifndef SLUICE_APPS_COMMON_COMMAND_LINE_H_
#define SLUICE_APPS_COMMON_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// The flags of a program, --name=VALUE or --name VALUE, as getopt_long(3) takes
// them: the start of a name is enough if no other name starts so. If a flag is
// given twice, the last value counts. Other arguments are errors. Each program
// has --help, -h and --version. Thread-compatible.
class CommandLine {
 public:
  // `program` is the name in --help and before each message; `summary` is the
  // first line of --help.
  CommandLine(std::string program, std::string summary);

  // Each Add...() adds a flag that stores its value in `*value`. `name` has no
  // dashes. The value that `*value` has now is the default. --help prints
  // "--name=VALUE_NAME", `help` and the default. REQUIRES: no other flag has
  // this name; `value` outlives Parse().
  //
  // Adds a flag that takes any string.
  void AddString(std::string name, std::string value_name, std::string help,
                 std::string* value);
  // Adds a flag that takes strings, separated by commas. Empty strings are left
  // out.
  void AddList(std::string name, std::string value_name, std::string help,
               std::vector<std::string>* value);
  // Adds a flag without a value: --name sets `*value` to true.
  void AddBool(std::string name, std::string help, bool* value);
  // Adds a flag that takes a decimal number, at least `min`.
  void AddInt(std::string name, std::string help, int64_t min, int64_t* value);
  // Adds a flag that takes a time that is not negative: "1.5s", "500ms", "inf",
  // or a number of seconds.
  void AddDuration(std::string name, std::string help, absl::Duration* value);
  // Adds a flag that takes the name of a value, such as one of an enum. `parse`
  // returns the value, or an error whose message quotes the name. `name_of`
  // returns the name of the default.
  template <typename T>
  void AddNamed(std::string name, std::string value_name, std::string help,
                absl::StatusOr<T> (*parse)(absl::string_view),
                absl::string_view (*name_of)(T), T* value) {
    flags_.push_back({std::move(name), std::move(value_name), std::move(help),
                      std::string(name_of(*value)),
                      [parse, value](absl::string_view text) {
                        const absl::StatusOr<T> parsed = parse(text);
                        if (parsed.ok()) *value = *parsed;
                        return parsed.status();
                      }});
  }

  enum class Next { kRun, kExit };  // kExit: printed --help or --version
  // Sets the values of the flags in `argv`, which does not change. If an
  // argument is wrong, returns kInvalidArgument, which names the flag, the
  // value, and the reason; flags before the wrong argument are then set. For
  // --help and --version, prints the answer on stdout and returns kExit. Uses
  // globals of getopt(3): only one thread of the process may call it at a time.
  absl::StatusOr<Next> Parse(int argc, char* const argv[]);
  // Returns true if Parse() has found the flag.
  bool given(absl::string_view name) const;

  // Returns the text that --help prints.
  std::string Help() const;

  // Each of these prints a line on stderr, "PROGRAM: MESSAGE", and returns the
  // exit code. If nobody reads stderr, each gives up after about a second: see
  // WriteToStandardError().
  //
  // Reports a usage error, with a second line that names --help. Returns 2.
  int FailUsage(const absl::Status& status) const;
  // Reports any other error. Returns 1.
  int Fail(const absl::Status& status) const;
  // Reports an error about the value of a flag, which OfFlag() names: calls
  // FailUsage() for kInvalidArgument, and Fail() otherwise, as when a host is
  // not found.
  int FailFlag(const absl::Status& status) const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;  // empty: the flag takes no value
    std::string help;
    std::string default_value;
    std::function<absl::Status(absl::string_view value)> set;
    bool given = false;
  };

  const std::string program_;
  const std::string summary_;
  std::vector<Flag> flags_;
};

// Returns `status` with the message "--FLAG: MESSAGE".
absl::Status OfFlag(absl::string_view flag, const absl::Status& status);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_COMMAND_LINE_H_

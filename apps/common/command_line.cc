#include "sluice/apps/common/command_line.h"

#include <getopt.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "sluice/base/io_result.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/base/version.h"

namespace sluice {
namespace {

absl::Status Unfit(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" ", why));
}

absl::Status ParseDurationFlag(absl::string_view text, absl::Duration* value) {
  absl::Duration parsed;
  double seconds;
  if (absl::SimpleAtod(text, &seconds) && std::isfinite(seconds)) {
    parsed = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &parsed)) {
    return Unfit(text, "is not a duration such as 500ms, 2s, 1.5m or inf");
  }
  if (parsed < absl::ZeroDuration()) return Unfit(text, "is negative");
  *value = parsed;
  return absl::OkStatus();
}

}  // namespace

CommandLine::CommandLine(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {}

void CommandLine::AddString(std::string name, std::string value_name,
                            std::string help, std::string* value) {
  flags_.push_back({std::move(name), std::move(value_name), std::move(help),
                    *value, [value](absl::string_view text) {
                      *value = std::string(text);
                      return absl::OkStatus();
                    }});
}

void CommandLine::AddList(std::string name, std::string value_name,
                          std::string help, std::vector<std::string>* value) {
  flags_.push_back({std::move(name), std::move(value_name), std::move(help),
                    absl::StrJoin(*value, ","),
                    [value](absl::string_view text) {
                      *value = absl::StrSplit(text, ',', absl::SkipEmpty());
                      return absl::OkStatus();
                    }});
}

void CommandLine::AddBool(std::string name, std::string help, bool* value) {
  flags_.push_back(
      {std::move(name), "", std::move(help), "", [value](absl::string_view) {
         *value = true;
         return absl::OkStatus();
       }});
}

void CommandLine::AddInt(std::string name, std::string help, int64_t min,
                         int64_t* value) {
  flags_.push_back({std::move(name), "N", std::move(help), absl::StrCat(*value),
                    [value, min](absl::string_view text) {
                      int64_t parsed;
                      if (!absl::SimpleAtoi(text, &parsed)) {
                        return Unfit(text, "is not a whole number");
                      }
                      if (parsed < min) {
                        return Unfit(text, absl::StrCat("is less than ", min));
                      }
                      *value = parsed;
                      return absl::OkStatus();
                    }});
}

void CommandLine::AddDuration(std::string name, std::string help,
                              absl::Duration* value) {
  flags_.push_back({std::move(name), "TIME", std::move(help),
                    absl::FormatDuration(*value),
                    [value](absl::string_view text) {
                      return ParseDurationFlag(text, value);
                    }});
}

absl::StatusOr<CommandLine::Next> CommandLine::Parse(int argc,
                                                     char* const argv[]) {
  constexpr int kFirstFlag = 256;
  std::vector<option> options;
  for (size_t i = 0; i < flags_.size(); ++i) {
    options.push_back(
        {flags_[i].name.c_str(),
         flags_[i].value_name.empty() ? no_argument : required_argument,
         nullptr, static_cast<int>(kFirstFlag + i)});
  }
  options.push_back({"help", no_argument, nullptr, 'h'});
  options.push_back({"version", no_argument, nullptr, 'v'});
  options.push_back({nullptr, 0, nullptr, 0});
  std::vector<char*> arguments(argv, argv + argc);
  arguments.push_back(nullptr);
  optind = 0;  // getopt(3): start again
  opterr = 0;
  while (true) {
    // With ':' first, getopt_long() returns ':' for a missing value and '?' for
    // an unknown flag.
    const int found =
        getopt_long(argc, arguments.data(), ":h", options.data(), nullptr);
    if (found == -1) break;
    const absl::string_view argument = arguments[optind - 1];
    if (found == 'h') {
      std::printf("%s", Help().c_str());
      return Next::kExit;
    }
    if (found == 'v') {
      std::printf("%s %s\n", program_.c_str(), kVersion);
      return Next::kExit;
    }
    if (found == ':') {
      return absl::InvalidArgumentError(
          absl::StrCat(argument, " needs a value"));
    }
    if (found == '?') {
      // optopt is the flag, if the flag is known.
      return absl::InvalidArgumentError(absl::StrCat(
          argument, optopt >= kFirstFlag ? " takes no value"
                                         : " is not a flag of this program"));
    }
    Flag& flag = flags_[found - kFirstFlag];
    flag.given = true;
    const absl::Status set = flag.set(optarg == nullptr ? "" : optarg);
    if (!set.ok()) return OfFlag(flag.name, set);
  }
  if (optind < argc) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", arguments[optind], "\" is not a flag"));
  }
  return Next::kRun;
}

bool CommandLine::given(absl::string_view name) const {
  return std::any_of(flags_.begin(), flags_.end(), [&](const Flag& flag) {
    return flag.name == name && flag.given;
  });
}

std::string CommandLine::Help() const {
  std::string help = absl::StrCat(program_, ": ", summary_, "\n\n");
  for (const Flag& flag : flags_) {
    absl::StrAppend(&help, "  --", flag.name,
                    flag.value_name.empty() ? "" : "=", flag.value_name, "\n",
                    "      ", flag.help);
    if (!flag.default_value.empty()) {
      absl::StrAppend(&help, " (default ", flag.default_value, ")");
    }
    absl::StrAppend(&help, "\n");
  }
  absl::StrAppend(&help, "  --version\n  --help\n");
  return help;
}

int CommandLine::FailUsage(const absl::Status& status) const {
  WriteToStandardError(absl::StrCat(program_, ": ", status.message(),
                                    "\n--help lists the flags\n"));
  return 2;
}

int CommandLine::Fail(const absl::Status& status) const {
  WriteToStandardError(absl::StrCat(program_, ": ", status.message(), "\n"));
  return 1;
}

int CommandLine::FailFlag(const absl::Status& status) const {
  return absl::IsInvalidArgument(status) ? FailUsage(status) : Fail(status);
}

absl::Status OfFlag(absl::string_view flag, const absl::Status& status) {
  return WithMessage(status, absl::StrCat("--", flag, ": ", status.message()));
}

}  // namespace sluice

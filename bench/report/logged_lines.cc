#include "sluice/bench/report/logged_lines.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr absl::string_view kBegin = "request ";

char* Put(absl::string_view text, char* to) {
  return std::copy(text.begin(), text.end(), to);
}

// Returns the file from the line with the first message on.
absl::string_view WithoutHead(absl::string_view file) {
  const size_t head_end = file.rfind('\n', file.find(kBegin));
  if (head_end != file.npos) file.remove_prefix(head_end + 1);
  return file;
}

// Returns the number of the message in `line`, or -1 if there is no message.
int NumberIn(absl::string_view line) {
  const size_t begin = line.find(kBegin);
  int number = -1;
  if (begin != line.npos) {
    std::from_chars(line.data() + begin + kBegin.size(),
                    line.data() + line.size(), number);
  }
  return number;
}

bool EndsWithMessage(absl::string_view line, int number) {
  char message[kLoggedMessageSize];
  const char* const end = PutLoggedMessage(LoggedValuesOf(number), message);
  return absl::EndsWith(line, absl::string_view(message, end - message));
}

}  // namespace

char* PutLoggedMessage(const LoggedValues& values, char* to) {
  char* const end = to + kLoggedMessageSize;
  to = Put(kBegin, to);
  to = std::to_chars(to, end, values.number).ptr;
  to = Put(" took ", to);
  to = std::to_chars(to, end, values.millis).ptr;
  to = Put(" ms for ", to);
  return Put(values.path, to);
}

absl::Status CheckLoggedLines(absl::string_view file, int producers, int each) {
  std::vector<int> next(producers);  // next message of each thread
  for (int i = 0; i < producers; ++i) next[i] = i * each;
  file = WithoutHead(file);
  while (!file.empty()) {
    const size_t size = file.find('\n');
    const absl::string_view line = file.substr(0, size);
    const int number = NumberIn(line);
    const int producer = number / each;
    if (size == file.npos || number < 0 || producer >= producers ||
        next[producer] != number || !EndsWithMessage(line, number)) {
      return absl::DataLossError(
          absl::StrCat("wrong, or not the next of its thread: \"", line, "\""));
    }
    ++next[producer];
    file.remove_prefix(size + 1);
  }
  for (int i = 0; i < producers; ++i) {
    if (next[i] == (i + 1) * each) continue;
    return absl::DataLossError(
        absl::StrCat("lacks messages ", next[i], " to ", (i + 1) * each - 1));
  }
  return absl::OkStatus();
}

}  // namespace sluice

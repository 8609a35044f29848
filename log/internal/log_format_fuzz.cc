#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/testing/fuzz_input.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/internal/log_line_model.h"
#include "sluice/log/internal/log_value_model.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {
namespace {

LogModelValue NextValue(FuzzInput& input) {
  double floating;
  switch (const uint64_t kind = input.Number(1); kind % 8) {
    case 0:
      return kind >= 8;
    case 1:
      return static_cast<char>(input.Number(1));
    case 2:
      return static_cast<int64_t>(input.Number(8));
    case 3:
      return input.Number(8);
    case 4:
      return static_cast<float>(static_cast<int64_t>(input.Number(4))) / 1024;
    case 5: {
      const uint64_t bits = input.Number(8);
      std::memcpy(&floating, &bits, sizeof(floating));
      return floating;
    }
    case 6:
      return input.Text();
    default:
      return reinterpret_cast<const void*>(input.Number(8));
  }
}

[[noreturn]] void Fail(absl::string_view what, absl::string_view found,
                       absl::string_view expected) {
  std::fprintf(stderr, "%s\n",
               absl::StrCat(what, ": ", absl::CHexEscape(found),
                            "\nexpected: ", absl::CHexEscape(expected))
                   .c_str());
  std::abort();
}

void ExpectEqual(absl::string_view what, absl::string_view found,
                 absl::string_view expected) {
  if (found != expected) Fail(what, found, expected);
}

// Makes the message of a format and values, and its model. Returns false if the
// format does not fit the values.
bool Format(const std::string& format, const std::vector<LogModelValue>& values,
            std::string* message, std::string* model) {
  std::vector<LogKind> kinds;
  for (const LogModelValue& value : values) kinds.push_back(ModelKind(value));
  // Memory of exactly the needed size, so that asan finds accesses beyond it.
  const auto literals = std::make_unique<char[]>(format.size());
  const std::vector<char> source(format.begin(), format.end());
  std::vector<size_t> ends(values.size() + 1);
  std::vector<LogSpec> specs(values.size());
  const LogFormatResult result =
      ParseLogFormat({source.data(), source.size()}, kinds, literals.get(),
                     absl::MakeSpan(ends), absl::MakeSpan(specs));
  if (result.error != LogFormatError::kNone) {
    if (result.argument > values.size()) std::abort();
    return false;
  }
  size_t begin = 0;
  for (size_t i = 0; i <= values.size(); ++i) {
    const absl::string_view literal(literals.get() + begin, ends[i] - begin);
    begin = ends[i];
    absl::StrAppend(message, literal);
    absl::StrAppend(model, literal);
    if (i == values.size()) break;
    *message += PrintedText(specs[i], values[i]);
    *model += ModelText(specs[i], values[i]);
  }
  return true;
}

std::string Line(LogLineFormatter::Style style, const LogLineHeader& header,
                 const std::string& message) {
  LogLineFormatter formatter(style);
  LogText text;
  formatter.Begin(header, text);
  text.Append(message);
  formatter.End(text);
  return std::string(text.view());
}

void CheckLines(const LogLineHeader& header, const std::string& message) {
  const std::string text =
      Line(LogLineFormatter::Style::kText, header, message);
  const absl::Status status = CheckLogLine(text);
  if (!status.ok()) Fail("text", text, status.ToString());
  const std::string end = absl::StrCat("] ", ModelTextEscapes(message), "\n");
  const size_t size = std::min(end.size(), text.size());
  ExpectEqual("end of line", text.substr(text.size() - size), end);

  const std::string json =
      Line(LogLineFormatter::Style::kJson, header, message);
  const auto members = ParseJsonLine(json);
  if (!members.ok()) Fail("JSON", json, members.status().ToString());
  ExpectEqual("message", members->at("message"), ModelJsonText(message));
  ExpectEqual("thread", members->at("thread"), ModelJsonText(header.thread));
  ExpectEqual("file", members->at("file"), ModelJsonText(header.file));
}

}  // namespace
}  // namespace sluice

// The input has the number of values and the values; the format; thread, file
// and time. Parses formats as the compiler does, prints values from their
// copies, makes lines, and compares each with its model.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::FuzzInput input(data, size);
  std::vector<sluice::LogModelValue> values;
  for (uint64_t count = input.Number(1) % 6; count > 0; --count) {
    values.push_back(sluice::NextValue(input));
  }
  const std::string format = input.Text();
  std::string message;
  std::string model;
  if (sluice::Format(format, values, &message, &model)) {
    sluice::ExpectEqual("message", message, model);
  } else {
    message = format;  // any bytes
  }
  const std::string thread = input.Text();
  const std::string file = input.Text();
  sluice::CheckLines({static_cast<int64_t>(input.Number(8)),
                      static_cast<sluice::LogSeverity>(input.Number(1)), thread,
                      file, static_cast<int>(input.Number(4))},
                     message);
  return 0;
}

#ifndef SLUICE_LOG_GLOG_GLOG_VERSIONS_H_
#define SLUICE_LOG_GLOG_GLOG_VERSIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "glog/logging.h"

// The parts of glog's interface that differ between 0.6 and 0.7.
namespace sluice::glog_internal {

// Type of the time that google::base::Logger::Write() takes: time_t in 0.6, a
// time_point in 0.7.
template <typename Time>
Time TimeArgument(void (google::base::Logger::*write)(bool, Time, const char*,
                                                      size_t));
using WriteTime = decltype(TimeArgument(&google::base::Logger::Write));

// Returns the google::LogMessageTime of a google::LogMessage.
template <typename Message>
const google::LogMessageTime& TimeOf(const Message& message) {
  if constexpr (requires { message.time(); }) {
    return message.time();  // 0.7
  } else {
    return message.getLogMessageTime();
  }
}

// Returns the nanoseconds since 1970 of a google::LogMessageTime. glog 0.6
// knows microseconds.
template <typename Time>
int64_t UnixNanos(const Time& time) {
  if constexpr (requires { time.when(); }) {  // 0.7
    return std::chrono::nanoseconds(time.when().time_since_epoch()).count();
  } else {
    return int64_t{time.timestamp()} * 1'000'000'000 +
           int64_t{time.usec()} * 1000;
  }
}

}  // namespace sluice::glog_internal

#endif  // SLUICE_LOG_GLOG_GLOG_VERSIONS_H_

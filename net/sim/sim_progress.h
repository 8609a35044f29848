#ifndef SLUICE_NET_SIM_SIM_PROGRESS_H_
#define SLUICE_NET_SIM_SIM_PROGRESS_H_

#include <cstdint>
#include <string>

#include "sluice/base/progress_line.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Shows the progress of a run of many seeds in one line on a terminal
// (testonly). Done() writes the line after the first second, and then at most
// five times a second:
//
//   seed 1234, 400 of 20000, 880/s, 22 s left
//
// `clock` must outlive the object. Thread-compatible.
class SimProgress {
 public:
  // `seeds` is the number of seeds of the run. Shows nothing if `terminal` is
  // false.
  SimProgress(const Clock* clock, uint64_t seeds, bool terminal);

  // Counts a seed that is done.
  void Done(uint64_t seed);
  // Removes the line, so that other text can be written there.
  void Clear() { line_.Clear(); }

  uint64_t done() const { return done_; }
  // Returns the seconds since construction, at least 0.001.
  double Seconds() const;
  // Returns a text such as "20000 seeds in 22.7 s, 881/s" about the seeds that
  // are done.
  std::string Summary() const;

 private:
  const Clock& clock_;
  const uint64_t seeds_;
  const MonotonicTime start_;
  MonotonicTime next_;  // time of the next update
  uint64_t done_ = 0;
  ProgressLine line_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_PROGRESS_H_

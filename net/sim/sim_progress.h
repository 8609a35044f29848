#ifndef SLUICE_NET_SIM_SIM_PROGRESS_H_
#define SLUICE_NET_SIM_SIM_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "sluice/timer/clock.h"

namespace sluice {

// Shows the progress of a run of many seeds on a terminal (testonly), in one
// line. Done() writes the line after the first second, and then at most five
// times a second:
//
//   seed 1234, 400 of 20000, 880/s, 22 s left
//
// Owns none of its arguments. Thread-compatible.
class SimProgress {
 public:
  // Shows nothing if `terminal` is nullptr.
  SimProgress(const Clock* clock, uint64_t seeds, std::FILE* terminal);
  SimProgress(const SimProgress&) = delete;
  SimProgress& operator=(const SimProgress&) = delete;
  ~SimProgress() { Wipe(); }

  // Counts a seed that is done.
  void Done(uint64_t seed);
  // Removes the line, so that other text can be written there.
  void Wipe();

  uint64_t done() const { return done_; }
  // Returns the seconds since construction, at least 0.001.
  double Seconds() const;
  // Returns a text such as "20000 seeds in 22.7 s, 881/s" about the seeds that
  // are done.
  std::string Summary() const;

 private:
  const Clock& clock_;
  const uint64_t seeds_;
  std::FILE* const terminal_;
  const MonotonicTime start_;
  MonotonicTime next_;  // time of the next update
  bool shown_ = false;
  uint64_t done_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_PROGRESS_H_

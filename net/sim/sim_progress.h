#ifndef SLUICE_NET_SIM_SIM_PROGRESS_H_
#define SLUICE_NET_SIM_SIM_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "sluice/timer/clock.h"

namespace sluice {

// How far a run of many seeds is (testonly), on a terminal, in a line that is
// written anew from its second second on, five times a second:
//
//   seed 1234, 400 of 20000, 880/s, 22 s left
//
// Thread-compatible. Owns nothing of what it is made with.
class SimProgress {
 public:
  // `terminal`: nullptr: nothing is shown.
  SimProgress(const Clock* clock, uint64_t seeds, std::FILE* terminal);
  SimProgress(const SimProgress&) = delete;
  SimProgress& operator=(const SimProgress&) = delete;
  ~SimProgress() { Wipe(); }

  // One more is done.
  void Done(uint64_t seed);
  // Takes the line away, for something else to be written there.
  void Wipe();

  uint64_t done() const { return done_; }
  // Since it was made.
  double Seconds() const;
  // "20000 seeds in 22.7 s, 881/s", of those that are done.
  std::string Summary() const;

 private:
  const Clock& clock_;
  const uint64_t seeds_;
  std::FILE* const terminal_;
  const MonotonicTime start_;
  MonotonicTime next_;  // when it is to be shown
  bool shown_ = false;
  uint64_t done_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_PROGRESS_H_

#ifndef SLUICE_EVENT_SPIN_CREDIT_H_
#define SLUICE_EVENT_SPIN_CREDIT_H_

namespace sluice {

// A counter that decides whether to spin before a sleep, by the results of
// earlier spins. Allows each spin while at least half of them found something.
// Otherwise allows one in 1024, to see whether that has changed.
// Thread-compatible.
class SpinCredit {
 public:
  // Returns true if the caller may spin now.
  bool MaySpin() {
    if (credit_ > 0) return true;
    if (++refused_ < kProbeEvery) return false;
    refused_ = 0;
    return true;
  }
  // Records the result of a spin. REQUIRES: MaySpin() returned true, and the
  // spin is over.
  void OnSpun(bool found) {
    if (found && credit_ < kMaxCredit) ++credit_;
    if (!found && credit_ > 0) --credit_;
  }

 private:
  static constexpr int kMaxCredit = 8;
  static constexpr int kProbeEvery = 1024;

  int credit_ = kMaxCredit;
  int refused_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_SPIN_CREDIT_H_

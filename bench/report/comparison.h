#ifndef SLUICE_BENCH_REPORT_COMPARISON_H_
#define SLUICE_BENCH_REPORT_COMPARISON_H_

#include <functional>
#include <string>
#include <vector>

// The frame of the //bench:<component> programs, which compare a component of
// Sluice with its peers and with the least that it can be, in one run.
namespace sluice {

// A way to do the work that a case measures.
struct Contender {
  std::string name;
  // A function that returns one value for each metric of the case. Less is
  // better. RunComparison() calls the function once in a round, in a process of
  // its own that has no other thread.
  std::function<std::vector<double>()> measure;
};

struct ComparedCase {
  std::string name;                  // "arm and cancel, 1,000 others"
  std::vector<std::string> metrics;  // with units: "ns per timer"
  // The limit, then Sluice, then others. Contenders with names that begin with
  // "Sluice" are ours.
  std::vector<Contender> contenders;
};

struct Comparison {
  std::string title;                  // "Timers"
  std::string target;                 // the program: "//bench:timers"
  std::vector<std::string> packages;  // Debian packages of the peers
  std::vector<ComparedCase> cases;
};

// Runs such a program: main() calls it. Measures all contenders of each case in
// --rounds rounds, forth and back through the contenders, and the limit once
// more at the end: the difference between the two figures of the limit is
// noise. Prints Markdown on standard output: the conditions, then a table for
// each case and metric. --case=TEXT picks the cases with TEXT in their names.
// --svg=PATH asks for a picture too.
//
// If a contender crashes, or takes longer than --time_limit, it is not measured
// further. Its row and standard error say so, and there is no picture. Returns
// the exit code: 0 for success, 1 if a contender or the picture failed, 2 if
// the flags make no sense. REQUIRES: each case has two contenders or more; the
// process has started no thread.
int RunComparison(int argc, char* argv[], const Comparison& comparison);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_COMPARISON_H_

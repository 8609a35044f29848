#ifndef SLUICE_BENCH_REPORT_COMPARISON_H_
#define SLUICE_BENCH_REPORT_COMPARISON_H_

#include <functional>
#include <string>
#include <vector>

// Sets a component of Sluice beside its peers and beside the least that it can
// be, in one run: what the //bench:<component> programs are made of.
namespace sluice {

// One way of doing what a case measures.
struct Contender {
  std::string name;
  // One value for each metric of the case, less is better. Called once in a
  // round, in a process of its own, which has no other thread.
  std::function<std::vector<double>()> measure;
};

struct ComparedCase {
  std::string name;                  // "arm and cancel, 1,000 others"
  std::vector<std::string> metrics;  // with units: "ns per timer"
  // The limit, Sluice, then others. Whose names begin with "Sluice" are ours.
  std::vector<Contender> contenders;
};

struct Comparison {
  std::string title;                  // "Timers"
  std::string target;                 // what runs it: "//bench:timers"
  std::vector<std::string> packages;  // Debian's, of the peers
  std::vector<ComparedCase> cases;
};

// The main() of such a program. Measures all contenders of each case in
// --rounds rounds, forth and back through them, and the limit once more at the
// end: what that differs by is noise. Prints Markdown on standard output: the
// conditions, then a table for each case and metric. --case=TEXT picks cases
// whose names have that text; --svg=PATH asks for a picture too.
//
// A contender that crashes, or takes longer than --time_limit, is not measured
// further; its row and standard error say so, and there is no picture. Returns
// the exit code: 0, 1 if a contender or the picture failed, 2 for flags that
// make no sense. REQUIRES: each case has two contenders or more; nobody has
// started a thread.
int RunComparison(int argc, char* argv[], const Comparison& comparison);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_COMPARISON_H_

#ifndef SLUICE_BASE_STANDARD_DESCRIPTORS_H_
#define SLUICE_BASE_STANDARD_DESCRIPTORS_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// Functions for standard input, output and error of a program. For main():
// libraries do not call these functions and do not rely on them.

// Opens a placeholder for each of the descriptors 0, 1 and 2 that is closed.
// Call it first in main(): a program that was started with one of them closed
// would otherwise open a socket or a file under that number, and would print
// into it. The placeholder is /dev/null, or the root folder if there is no
// /dev/null. Reading from 0 and writing to 1 or 2 still fail with EBADF, so
// that the program notices output that goes nowhere. If neither can be opened,
// because the limit on descriptors is used up, the descriptor stays closed.
void FillStandardDescriptors();

// Writes `text` to standard error, for the last lines of a program. Waits at
// most `limit` (in whole milliseconds, at most one hour) for each 4096 bytes:
// if nobody reads a full pipe, gives up and returns false, where fprintf()
// would block. Returns false for an error of write(2) as well. If another
// writer fills the pipe at the same moment, the call can take longer.
bool WriteToStandardError(absl::string_view text,
                          absl::Duration limit = absl::Seconds(1));

// Writes `text` to standard output without the buffer of stdout, for a line
// that another program waits for. Waits as WriteToStandardError() does. Returns
// 0, ETIMEDOUT if nobody reads a full pipe, or the errno of write(2).
int WriteToStandardOutput(absl::string_view text, absl::Duration limit);

// Flushes stdout. Returns `exit_code`; but if any output of the program was
// lost, as on a full disk, prints a line on standard error,
// "PROGRAM: cannot write the results to stdout: No space left on device", and
// returns 1 in place of 0. Call it last in main(), or as soon as everything is
// printed; a second call reports output that was lost after the first. If an
// fflush() of the program has failed before, the line gives no reason.
int FinishStandardOutput(absl::string_view program, int exit_code);

}  // namespace sluice

#endif  // SLUICE_BASE_STANDARD_DESCRIPTORS_H_

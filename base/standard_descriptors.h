#ifndef SLUICE_BASE_STANDARD_DESCRIPTORS_H_
#define SLUICE_BASE_STANDARD_DESCRIPTORS_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

// Standard input, output and error of a program, for main(). Libraries do not
// call these functions and do not rely on them.

// Opens a placeholder for each of the descriptors 0, 1 and 2 that is closed.
// Call it first in main(): a program that was started with one of them closed
// would otherwise open a socket or a file under that number, and what it prints
// would go there. The placeholder is /dev/null, or the root folder where there
// is no /dev/null. Reading from 0 and writing to 1 or 2 still fail with EBADF,
// so that output that goes nowhere is noticed. If neither can be opened,
// because the limit on descriptors is used up, the gap stays.
void FillStandardDescriptors();

// Writes `text` to standard error, for what a program says when it ends. Waits
// at most `limit` for each 4096 bytes: if nobody reads a full pipe, this gives
// up and returns false, where fprintf() would block. Returns false for an error
// of write(2) as well. Another writer that fills the pipe at the same moment
// can make this wait longer.
bool WriteToStandardError(absl::string_view text,
                          absl::Duration limit = absl::Seconds(1));

// Writes `text` to standard output, past the buffer of stdout, for a line that
// another program waits for. Waits as WriteToStandardError() does. Returns 0,
// ETIMEDOUT if nobody reads a full pipe, or the errno of write(2).
int WriteToStandardOutput(absl::string_view text, absl::Duration limit);

// Writes out what stdout has buffered. Returns `exit_code`; but if any output
// of the program was lost, as on a full disk, prints a line on standard error,
// "PROGRAM: cannot write the results to stdout: No space left on device", and
// returns 1 in place of 0. Call it last in main(), or as soon as everything is
// printed: another call reports what was lost since. The line gives no reason
// if an fflush() of the program has failed before.
int FinishStandardOutput(absl::string_view program, int exit_code);

}  // namespace sluice

#endif  // SLUICE_BASE_STANDARD_DESCRIPTORS_H_

#ifndef SIGNALBOX_CLI_PROGRAM_H
#define SIGNALBOX_CLI_PROGRAM_H

namespace signalbox::cli {

/// The whole program: runs one command and returns the exit status. Writes to standard output and
/// standard error. `argv` is main()'s, with the program's name first.
int Main(int argc, char** argv);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_PROGRAM_H

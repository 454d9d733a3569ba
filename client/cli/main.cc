#include "cli/program.h"

int main(int argc, char** argv) { return signalbox::cli::Main(argc, argv); }

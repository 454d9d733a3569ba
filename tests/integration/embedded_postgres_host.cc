// Runs an embedded Postgres until standard input ends: embedded_postgres_host DATA_DIR [USER_ID]
// Prints "ready <connection string>" when it serves, or "error <status>".
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "service/postgres/embedded_postgres.h"

int main(int argc, char** argv) {
  using signalbox::service::EmbeddedPostgres;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // Nothing is left behind when the test crashes.
  if (argc < 2) return 2;
  if (argc > 2) {
    const auto user = static_cast<uid_t>(std::strtoul(argv[2], nullptr, 10));
    if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) return 2;
  }
  EmbeddedPostgres::Options options;
  options.data_dir = argv[1];
  auto postgres = EmbeddedPostgres::Start(options);
  if (!postgres.ok()) {
    std::cout << "error " << postgres.status() << '\n' << std::flush;
    return 1;
  }
  std::cout << "ready " << (*postgres)->connection_string() << '\n' << std::flush;
  for (std::string line; std::getline(std::cin, line);) {
  }
  return (*postgres)->Stop(absl::Seconds(20)).ok() ? 0 : 1;
}

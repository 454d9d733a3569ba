#ifndef SIGNALBOX_CLI_CONTEXT_H
#define SIGNALBOX_CLI_CONTEXT_H

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "signalbox/client.h"

namespace signalbox::cli {

/// Flags that every command takes; empty means not given.
struct GlobalFlags {
  std::string address;
  std::string token_file;
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string timeout;
  bool json = false;
};

/// The options of the client: flag, else environment, else default. kInvalidArgument names the flag.
absl::StatusOr<ClientOptions> ClientOptionsFrom(const GlobalFlags& flags);

/// What a command works with: where its output goes, and a client, which is made at the first use.
/// Not thread-safe.
class Context {
 public:
  /// Both must outlive it.
  Context(const GlobalFlags& flags, Output& output) : flags_(flags), output_(output) {}

  const GlobalFlags& flags() const { return flags_; }
  Output& output() { return output_; }

  /// The client, owned by the context. Does not connect by itself.
  absl::StatusOr<Client*> client();

 private:
  const GlobalFlags& flags_;
  Output& output_;
  std::unique_ptr<Client> client_;
};

/// What a command does once its line is parsed. An error is reported, and becomes the exit status,
/// by the caller.
using Action = std::function<absl::StatusOr<ExitCode>(Context&)>;

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_CONTEXT_H

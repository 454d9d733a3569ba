#include "cli/context.h"

#include <utility>

#include "cli/duration_argument.h"

namespace signalbox::cli {

absl::StatusOr<ClientOptions> ClientOptionsFrom(const GlobalFlags& flags) {
  ClientOptions options = ClientOptions::FromEnvironment();
  if (!flags.address.empty()) options.address = flags.address;
  if (!flags.token_file.empty()) {
    options.token_file = flags.token_file;
    options.token.clear();  // The flag wins over SIGNALBOX_TOKEN too; both at once are an error.
  }
  if (!flags.ca_file.empty()) options.ca_file = flags.ca_file;
  if (!flags.cert_file.empty()) options.cert_file = flags.cert_file;
  if (!flags.key_file.empty()) options.key_file = flags.key_file;
  if (!flags.timeout.empty()) {
    absl::StatusOr<absl::Duration> timeout = ParseDurationArgument("--timeout", flags.timeout);
    if (!timeout.ok()) return timeout.status();
    options.call_timeout = *timeout;
  }
  return options;
}

absl::StatusOr<Client*> Context::client() {
  if (client_ == nullptr) {
    absl::StatusOr<ClientOptions> options = ClientOptionsFrom(flags_);
    if (!options.ok()) return options.status();
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(*std::move(options));
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
  }
  return client_.get();
}

}  // namespace signalbox::cli

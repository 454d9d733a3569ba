#include "signalbox/options.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "address.h"
#include "request_rules.h"

namespace signalbox {
namespace {

std::string FromEnv(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::Status Invalid(const char* field, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", problem));
}

absl::Status CheckPositive(const char* field, absl::Duration duration) {
  if (duration > absl::ZeroDuration()) return absl::OkStatus();
  return Invalid(field, absl::StrCat(absl::FormatDuration(duration), " is not a positive span of time"));
}

// A token goes into a header, where a line break would start another one.
bool IsHeaderText(std::string_view text) {
  for (const char c : text) {
    if (c < 0x21 || c > 0x7e) return false;
  }
  return true;
}

}  // namespace

ClientOptions ClientOptions::FromEnvironment() {
  ClientOptions options;
  if (std::string address = FromEnv("SIGNALBOX_ADDRESS"); !address.empty()) options.address = address;
  options.token = FromEnv("SIGNALBOX_TOKEN");
  options.token_file = FromEnv("SIGNALBOX_TOKEN_FILE");
  options.ca_file = FromEnv("SIGNALBOX_CA_FILE");
  options.cert_file = FromEnv("SIGNALBOX_CERT_FILE");
  options.key_file = FromEnv("SIGNALBOX_KEY_FILE");
  return options;
}

absl::Status ClientOptions::Validate() const {
  if (address.empty()) return Invalid("address", "required, host:port");
  if (!token.empty() && !token_file.empty())
    return Invalid("token_file", "give a token or a token_file, not both");
  if (!IsHeaderText(token)) return Invalid("token", "must hold visible ASCII characters only");
  if (cert_file.empty() != key_file.empty()) {
    return cert_file.empty() ? Invalid("cert_file", "required with key_file")
                             : Invalid("key_file", "required with cert_file");
  }
  if (!cert_file.empty() && ca_file.empty()) return Invalid("ca_file", "required with cert_file");
  const bool has_token = !token.empty() || !token_file.empty();
  if (has_token && ca_file.empty() && !internal::IsLoopback(address)) {
    return Invalid(
        token.empty() ? "token_file" : "token",
        absl::StrCat("a token is only sent over TLS or to loopback; set ca_file to reach ", address));
  }
  return CheckPositive("call_timeout", call_timeout);
}

absl::StatusOr<RunRef> RunFromEnvironment() {
  const std::string run = FromEnv("SIGNALBOX_RUN");
  const std::string project = FromEnv("SIGNALBOX_PROJECT");
  if (run.empty()) return absl::FailedPreconditionError("no run given: SIGNALBOX_RUN is not set");
  int64_t rank = 0;
  const auto [end, error] = std::from_chars(run.data(), run.data() + run.size(), rank);
  const bool is_number = error == std::errc() && end == run.data() + run.size();
  if (!is_number) return RunRef::ById(run);
  if (project.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("rank ", run, " needs a project: SIGNALBOX_PROJECT is not set"));
  }
  return RunRef::ByRank(project, rank);
}

absl::Status InboxOptions::Validate() const {
  if (absl::Status status = internal::CheckRun(run); listen && !status.ok()) return status;
  for (const std::string& key : keys) {
    absl::Status status = internal::CheckKey(key);
    if (!status.ok()) return {status.code(), absl::StrCat("keys: ", status.message())};
  }
  constexpr std::size_t kMaxKeys = 256;
  if (keys.size() > kMaxKeys) return Invalid("keys", absl::StrCat(keys.size(), " keys, at most ", kMaxKeys));
  if (absl::Status status = internal::CheckText("consumer", consumer); !status.ok()) return status;
  constexpr std::size_t kMaxConsumerBytes = 128;
  if (consumer.size() > kMaxConsumerBytes) {
    return Invalid("consumer",
                   absl::StrCat(consumer.size(), " bytes, at most ", kMaxConsumerBytes, " are allowed"));
  }
  if (absl::Status status = CheckPositive("refresh_interval", refresh_interval); !status.ok()) return status;
  if (absl::Status status = CheckPositive("silence_timeout", silence_timeout); !status.ok()) return status;
  if (absl::Status status = CheckPositive("min_backoff", min_backoff); !status.ok()) return status;
  if (max_backoff < min_backoff) return Invalid("max_backoff", "less than min_backoff");
  if (max_outstanding_acks == 0) return Invalid("max_outstanding_acks", "must be at least 1");
  return absl::OkStatus();
}

}  // namespace signalbox

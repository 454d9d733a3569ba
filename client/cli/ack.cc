#include "cli/ack.h"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/choices.h"
#include "cli/command.h"
#include "cli/message_text.h"
#include "cli/value_argument.h"

namespace signalbox::cli {
namespace {

struct AckFlags {
  std::vector<std::string> ids;
  std::string consumer;
  std::string outcome;
  CLI::Option* reply_option = nullptr;  // An empty reply is a reply.
  std::string reply;
  std::string error;
  int64_t step = 0;
};

// The same in every invocation, so that a claim can be finished later.
std::string DefaultConsumer() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat("signalbox:", host, ":", getuid());
}

AckOutcome OutcomeOf(const std::string& word) {
  if (word == "applied") return AckOutcome::kApplied;
  return word == "failed" ? AckOutcome::kFailed : AckOutcome::kUnspecified;
}

absl::StatusOr<signalbox::Ack> AckFrom(const AckFlags& flags) {
  const bool replies = flags.reply_option->count() > 0;
  if (flags.outcome.empty() && (replies || !flags.error.empty() || flags.step != 0)) {
    return absl::InvalidArgumentError("--reply, --error and --step need --outcome");
  }
  signalbox::Ack ack;
  ack.outcome = OutcomeOf(flags.outcome);
  ack.error = flags.error;
  ack.step = flags.step;
  if (replies) {
    absl::StatusOr<Value> reply = ParseValueArgument("--reply", flags.reply);
    if (!reply.ok()) return reply.status();
    ack.reply = *std::move(reply);
  }
  return ack;
}

std::string ResultLine(const AckResult& result) {
  const Message& message = result.message;
  const std::string state = Receipt(message);
  if (result.claimed) return absl::StrCat(result.message_id, "  claimed      ", state);
  return absl::StrCat(result.message_id, "  not claimed  ", state);
}

absl::StatusOr<ExitCode> Ack(const AckFlags& flags, Context& context) {
  absl::StatusOr<signalbox::Ack> ack = AckFrom(flags);
  if (!ack.ok()) return ack.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  const std::string consumer = flags.consumer.empty() ? DefaultConsumer() : flags.consumer;
  absl::StatusOr<std::vector<AckResult>> results = (*client)->Ack(flags.ids, consumer, *ack);
  if (!results.ok()) return results.status();

  Output& output = context.output();
  if (output.json()) output.Document({{"results", ToJson(*results)}});
  bool all_claimed = true;
  for (const AckResult& result : *results) {
    if (!output.json()) output.Line(ResultLine(result));
    all_claimed = all_claimed && result.claimed;
  }
  return all_claimed ? ExitCode::kOk : ExitCode::kRefused;
}

}  // namespace

void AddAckCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<AckFlags>();
  CLI::App* command =
      AddCommand(parent, "ack", "Claim messages for a consumer, and tell how they went",
                 "signalbox ack ID --consumer me --outcome applied --reply '{\"ok\":true}' --step 18230",
                 "Exit status 4 when one of them belongs to another consumer or is no longer pending.");
  command->add_option("id", flags->ids, "Ids of the messages")->required()->type_name("ID...");
  command
      ->add_option("--consumer", flags->consumer,
                   "Name of the claimant; default: signalbox:<host>:<user id>, which all your shells share")
      ->type_name("NAME");
  AddChoice(command, "--outcome", flags->outcome, {"applied", "failed"},
            "How it went; without it the messages are only claimed");
  flags->reply_option =
      command->add_option("--reply", flags->reply, "Answer for the publisher; JSON, or a string")
          ->type_name("VALUE");
  command->add_option("--error", flags->error, "Why it failed")->type_name("TEXT");
  command->add_option("--step", flags->step, "Training step at which it was applied")
      ->type_name("STEP")
      ->check(NotNegative());
  OnSelected(command, flags, selected, Ack);
}

}  // namespace signalbox::cli

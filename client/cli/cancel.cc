#include "cli/cancel.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/message_text.h"

namespace signalbox::cli {
namespace {

struct CancelFlags {
  std::string id;
  std::string reason;
};

absl::StatusOr<ExitCode> Cancel(const CancelFlags& flags, Context& context) {
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<Message> message = (*client)->Cancel(flags.id, flags.reason);
  if (!message.ok()) return message.status();
  Output& output = context.output();
  if (output.json()) {
    output.Document({{"message", ToJson(*message)}});
  } else {
    output.Line(absl::StrCat("cancelled ", MessageLine(*message)));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddCancelCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<CancelFlags>();
  CLI::App* command =
      AddCommand(parent, "cancel", "Withdraw a pending message", "signalbox cancel ID --reason 'wrong run'");
  command->add_option("id", flags->id, "Id of the message")->required()->type_name("ID");
  command->add_option("--reason", flags->reason, "Why, for people who read the history")->type_name("TEXT");
  OnSelected(command, flags, selected, Cancel);
}

}  // namespace signalbox::cli

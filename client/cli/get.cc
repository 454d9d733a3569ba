#include "cli/get.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/message_text.h"
#include "cli/run_flags.h"

namespace signalbox::cli {
namespace {

struct GetFlags {
  RunFlags run;
  std::string key;
};

void Show(const GetFlags& flags, const GetResult& result, Output& output) {
  if (output.json()) {
    output.Document({{"message", result.message ? ToJson(*result.message) : OrderedJson()},
                     {"pending_count", result.pending_count}});
    return;
  }
  if (!result.message) {
    output.Note(absl::StrCat("nothing is pending for ", flags.key));
    return;
  }
  output.Line(ValueText(result.message->value));
  // The value alone is for scripts; a person wants to know which message it is.
  if (output.style().terminal) {
    output.Note(absl::StrCat("message ", result.message->id, ", 1 of ", result.pending_count, " pending"));
  }
}

absl::StatusOr<ExitCode> Get(const GetFlags& flags, Context& context) {
  absl::StatusOr<RunRef> run = flags.run.Resolve();
  if (!run.ok()) return run.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  absl::StatusOr<GetResult> result = (*client)->Get(*run, flags.key);
  if (!result.ok()) return result.status();
  Show(flags, *result, context.output());
  return ExitCode::kOk;
}

}  // namespace

void AddGetCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<GetFlags>();
  CLI::App* command =
      AddCommand(parent, "get", "Print the value of the oldest pending message of a key",
                 "signalbox get --run my-run --key learning-rate",
                 "The value is printed as JSON. When nothing is pending, nothing is printed but a note on\n"
                 "standard error, and the exit status is 0.");
  flags->run.AddTo(command);
  command->add_option("--key", flags->key, "Key of the message")->required()->type_name("KEY");
  OnSelected(command, flags, selected, Get);
}

}  // namespace signalbox::cli

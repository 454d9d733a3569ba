#include "cli/watch.h"

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/message_text.h"
#include "cli/run_flags.h"

namespace signalbox::cli {
namespace {

struct WatchFlags {
  RunFlags run;
  std::vector<std::string> keys;
  std::string cursor;
};

volatile std::sig_atomic_t interrupted = 0;

void OnInterrupt(int) { interrupted = 1; }

void CatchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = OnInterrupt;
  action.sa_flags = SA_RESETHAND;  // A second Ctrl-C ends the program even if this one does not.
  sigaction(SIGINT, &action, nullptr);
}

// Shows events; text tells only the first of many progress reports, and of many failures to connect.
class Printer {
 public:
  explicit Printer(Output& output) : output_(output) {}

  void Show(const WatchEvent& event) {
    if (output_.json()) {
      output_.DocumentLine(ToJson(event));
    } else if (event.type == WatchEvent::Type::kInterrupted) {
      if (contact_ != Contact::kLost) {
        output_.Note("no contact, connecting again: " + event.error.ToString());
      }
      contact_ = Contact::kLost;
    } else if (event.type == WatchEvent::Type::kSynced) {
      if (contact_ != Contact::kSynced) output_.Line(EventLine(event));
      contact_ = Contact::kSynced;
    } else {
      output_.Line(EventLine(event));
    }
  }

 private:
  enum class Contact { kNone, kSynced, kLost };

  Output& output_;
  Contact contact_ = Contact::kNone;
};

absl::StatusOr<ExitCode> Watch(const WatchFlags& flags, Context& context) {
  absl::StatusOr<RunRef> run = flags.run.Resolve();
  if (!run.ok()) return run.status();
  absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  CatchInterrupt();
  Printer printer(context.output());
  const WatchRequest request = {.run = *run, .keys = flags.keys, .cursor = flags.cursor};
  const absl::Status status = (*client)->Watch(request, [&](const WatchEvent* event) {
    if (event != nullptr) printer.Show(*event);
    return interrupted == 0;
  });
  if (interrupted != 0) return ExitCode::kInterrupted;
  if (!status.ok()) return status;
  return ExitCode::kOk;
}

}  // namespace

void AddWatchCommand(CLI::App& parent, Action& selected) {
  auto flags = std::make_shared<WatchFlags>();
  CLI::App* command = AddCommand(
      parent, "watch", "Print the events of a run as they come", "signalbox watch --run my-run",
      "One line an event: what is pending, what is published, what is withdrawn; with --json each line\n"
      "is a document. Ends with exit status 0 when the run ends, with 130 at Ctrl-C. Reconnects by\n"
      "itself; after a break messages may be shown again.");
  flags->run.AddTo(command);
  command->add_option("--key", flags->keys, "Only messages of this key; may be repeated")
      ->type_name("KEY")
      ->allow_extra_args(false);
  command
      ->add_option("--cursor", flags->cursor,
                   "Go on after this cursor of an earlier watch --json, instead of from all that is pending")
      ->type_name("CURSOR");
  OnSelected(command, flags, selected, Watch);
}

}  // namespace signalbox::cli

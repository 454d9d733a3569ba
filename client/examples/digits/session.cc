#include "examples/digits/session.h"

#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace digits {
namespace {

using signalbox::RunRef;

constexpr absl::Duration kCallTimeout = absl::Seconds(3);
constexpr absl::Duration kStartTimeout = absl::Seconds(2);

// The project to create a run in; empty when the job listens to a run that exists.
std::string ProjectToCreateIn(const Options& options) {
  if (!options.create_run.empty()) return options.create_run;
  return options.run.empty() ? options.project : "";
}

absl::StatusOr<RunRef> ExistingRun(const Options& options) {
  if (options.run.empty()) return signalbox::RunFromEnvironment();
  int64_t rank = 0;
  if (!absl::SimpleAtoi(options.run, &rank)) return RunRef::ById(options.run);
  if (options.project.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("rank ", options.run, " needs a project; use --project"));
  }
  return RunRef::ByRank(options.project, rank);
}

absl::StatusOr<RunRef> CreateRun(signalbox::Client& client, const std::string& project) {
  absl::StatusOr<signalbox::Run> run =
      client.CreateRun({.project = project, .run_id = "", .title = "handwritten digits", .labels = {}});
  if (!run.ok()) return run.status();
  absl::PrintF("run %s  %s#%d\n", run->id, run->project, run->rank);
  return RunRef::ById(run->id);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const Options& options, Steering& steering) {
  auto session = std::unique_ptr<Session>(new Session());
  auto client_options = signalbox::ClientOptions::FromEnvironment();
  if (!options.address.empty()) client_options.address = options.address;
  client_options.call_timeout = kCallTimeout;
  auto client = signalbox::Client::Create(client_options);
  if (!client.ok()) return client.status();
  session->client_ = *std::move(client);

  const std::string project = ProjectToCreateIn(options);
  session->created_ = !project.empty();
  auto run = session->created_ ? CreateRun(*session->client_, project) : ExistingRun(options);
  if (!run.ok()) return run.status();
  session->run_ = *run;

  signalbox::InboxOptions inbox_options;
  inbox_options.run = *run;
  auto inbox = session->client_->OpenInbox(inbox_options);
  if (!inbox.ok()) return inbox.status();
  session->inbox_ = *std::move(inbox);
  const absl::Status listening = steering.ListenTo(*session->inbox_);
  if (!listening.ok()) return listening;
  if (!session->inbox_->WaitSynced(kStartTimeout)) {
    absl::FPrintF(stderr, "warning: no contact with %s yet (%s); messages will be applied once there is\n",
                  client_options.address, session->inbox_->Status().last_error.ToString());
  }
  return session;
}

void Session::End(signalbox::RunOutcome outcome, bool stopped) {
  // First the acks, then the end: what is pending when a run ends counts as undelivered.
  inbox_->Close();
  if (!created_ && !stopped) return;
  const auto run = client_->EndRun(run_, outcome);
  if (!run.ok()) {
    absl::FPrintF(stderr, "warning: the run could not be ended: %s\n", run.status().ToString());
  }
}

}  // namespace digits

#include "tests/bench/note_store.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/bench/sample.h"

namespace signalbox::bench {
namespace {

constexpr int kThreads = 2;

// Of names as RunName() makes them.
absl::StatusOr<int64_t> RunOf(const Note& note) {
  const absl::string_view name = note.run_id();
  int64_t run = 0;
  const size_t begin = name.rfind('-') + 1;  // 0 when there is none
  if (absl::SimpleAtoi(name.substr(begin), &run) && run >= 0 && run < kRuns) return run;
  return absl::InvalidArgumentError(
      absl::StrCat("run_id '", name, "' does not end with a number below ", kRuns));
}

}  // namespace

NoteStore::NoteStore(std::unique_ptr<GroupStatement> statement) : statement_(std::move(statement)) {
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

NoteStore::~NoteStore() {
  {
    const absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  threads_.clear();
}

void NoteStore::Add(const std::vector<const Note*>& notes, Done done) {
  Waiting waiting;
  for (const Note* note : notes) {
    const absl::StatusOr<int64_t> run = RunOf(*note);
    if (!run.ok()) return done(run.status());
    waiting.notes.emplace_back(*run, note);
  }
  waiting.done = std::move(done);
  const absl::MutexLock lock(&mu_);
  waiting_.push_back(std::move(waiting));
}

absl::Status NoteStore::Commit(const std::vector<Waiting>& group) {
  for (const Waiting& waiting : group) {
    for (const auto& [run, note] : waiting.notes) statement_->Add(run, note->key(), note->value());
  }
  return statement_->Commit();
}

void NoteStore::Run() {
  while (true) {
    std::vector<Waiting> group;
    absl::Status status;
    {
      const absl::MutexLock commit(&commit_mu_);
      {
        const absl::MutexLock lock(&mu_);
        mu_.Await(absl::Condition(this, &NoteStore::HasWork));
        group.swap(waiting_);
      }
      if (group.empty()) return;
      status = Commit(group);
    }
    for (const Waiting& waiting : group) waiting.done(status);
  }
}

}  // namespace signalbox::bench

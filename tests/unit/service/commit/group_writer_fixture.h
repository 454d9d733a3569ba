#ifndef SIGNALBOX_TESTS_UNIT_SERVICE_COMMIT_GROUP_WRITER_FIXTURE_H
#define SIGNALBOX_TESTS_UNIT_SERVICE_COMMIT_GROUP_WRITER_FIXTURE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "service/commit/group_writer.h"
#include "tests/support/fake_message_log.h"
#include "tests/support/manual_clock.h"

namespace signalbox::service {

inline constexpr auto kOk = absl::StatusCode::kOk;
inline constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

inline NewMessage Draft(const std::string& key, const std::string& request_id = "") {
  NewMessage draft = {.run = {.id = "run-a"}, .key = key, .value = "v"};
  draft.request_id = request_id;
  draft.fingerprint = request_id.empty() ? "" : key;
  return draft;
}

/// A writer that is started late: what waits before Start() is the first group; Stop() commits all of it.
class GroupWriterTest : public testing::Test {
 protected:
  GroupWriterTest() {
    run_no_ = log_.AddRun("run-a", "p", 1);
    log_.BeforeGroup([this](int size) { group_sizes_.push_back(size); });
  }

  void Make(GroupWriter::Options options = {}) {
    writer_ = std::make_unique<GroupWriter>(log_, options, clock_.AsFunction(), metrics_,
                                            [this](GroupOutcome& outcome) {
                                              for (const RunChanges& changes : outcome.changes)
                                                committed_ += static_cast<int>(changes.messages.size());
                                            });
  }
  void Publish(const NewMessage& draft, absl::Duration patience = absl::Seconds(2)) {
    Appended& answer = answers_.emplace_back();
    answer.status = absl::UnknownError("never answered");
    writer_->Append(draft, clock_.Now() + patience, [this, &answer](const Appended& appended) {
      EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnknown) << "answered twice";
      answer = appended;
      ++answered_;
    });
  }
  /// Answers the next of `answers_`, one for each draft.
  void PublishMany(const std::vector<absl::StatusOr<NewMessage>>& drafts,
                   absl::Duration patience = absl::Seconds(2)) {
    const size_t first = answers_.size();
    answers_.resize(first + drafts.size(), {.status = absl::UnknownError("never answered")});
    writer_->AppendMany(drafts, clock_.Now() + patience,
                        [this, first, size = drafts.size()](const std::vector<Appended>& appended) {
                          ASSERT_EQ(appended.size(), size);
                          std::ranges::copy(appended, answers_.begin() + static_cast<std::ptrdiff_t>(first));
                          ++answered_;
                        });
  }
  void Ack(const MessageId& id, const std::string& consumer, Acked& answer) {
    writer_->Ack({.ids = {id}, .consumer = consumer}, absl::InfiniteFuture(),
                 [&answer](const Acked& acked) { answer = acked; });
  }
  void Finish() {
    writer_->Start();
    writer_->Stop();
  }
  std::vector<int64_t> Sequences() const {
    std::vector<int64_t> sequences;
    for (const Appended& answer : answers_)
      sequences.push_back(answer.message == nullptr ? 0 : answer.message->id.sequence);
    return sequences;
  }
  std::vector<absl::StatusCode> Codes() const {
    std::vector<absl::StatusCode> codes;
    for (const Appended& answer : answers_) codes.push_back(answer.status.code());
    return codes;
  }

  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction()};
  int64_t run_no_ = 0;
  std::vector<int> group_sizes_;
  std::atomic<int> committed_ = 0;
  std::atomic<int> answered_ = 0;
  std::deque<Appended> answers_;  // references stay valid
  Metrics metrics_;
  std::unique_ptr<GroupWriter> writer_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_UNIT_SERVICE_COMMIT_GROUP_WRITER_FIXTURE_H

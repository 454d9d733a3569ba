#include "tests/support/message_log_contract.h"

#include <utility>

namespace signalbox::service {

MessageLogContract::MessageLogContract()
    : under_test_(GetParam()()), run_no_(under_test_->AddRun("run-a", "p", 1)) {}

NewMessage MessageLogContract::Draft(const std::string& run_id, const std::string& key,
                                     const std::string& value) {
  return {.run = {.id = run_id}, .key = key, .value = value};
}

NewMessage MessageLogContract::SettingDraft(const std::string& run_id, const std::string& key) {
  NewMessage draft = Draft(run_id, key);
  draft.kind = Kind::kSetting;
  return draft;
}

NewMessage MessageLogContract::ShortLived(NewMessage draft) {
  draft.ttl = kShortTtl;
  return draft;
}

AckCall MessageLogContract::Call(std::vector<MessageId> ids, const std::string& consumer,
                                 AckOutcome outcome) {
  return {.ids = std::move(ids), .consumer = consumer, .outcome = outcome};
}

GroupOutcome MessageLogContract::Apply(const std::vector<NewMessage>& drafts,
                                       const std::vector<AckCall>& calls) {
  std::vector<const NewMessage*> publishes;
  std::vector<const AckCall*> acks;
  publishes.reserve(drafts.size());
  acks.reserve(calls.size());
  for (const NewMessage& draft : drafts) publishes.push_back(&draft);
  for (const AckCall& call : calls) acks.push_back(&call);
  absl::StatusOr<GroupOutcome> outcome = log().ApplyGroup(publishes, acks);
  if (!outcome.ok()) {
    ADD_FAILURE() << outcome.status();
    return {.appended = std::vector<Appended>(drafts.size()), .acked = std::vector<Acked>(calls.size())};
  }
  for (size_t i = 0; i < drafts.size(); ++i) {
    if (absl::IsAborted(outcome->appended[i].status)) outcome->appended[i] = Publish(drafts[i]);
  }
  return *std::move(outcome);
}

Appended MessageLogContract::Publish(const NewMessage& draft) {
  Appended appended = Apply({draft}).appended.front();
  if (appended.message == nullptr) appended.message = std::make_shared<const Message>();
  return appended;
}

Acked MessageLogContract::Ack(const AckCall& call) { return Apply({}, {call}).acked.front(); }

std::vector<int64_t> MessageLogContract::Pending(const std::string& run_id) {
  const absl::StatusOr<PendingPage> page = log().ListPending({.run = {.id = run_id}, .limit = kLargePage});
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? SequencesOf(page->messages) : std::vector<int64_t>();
}

MessagePtr MessageLogContract::Read(const MessageId& id) {
  const absl::StatusOr<std::vector<MessagePtr>> messages = log().ReadMessages({id});
  EXPECT_TRUE(messages.ok()) << messages.status();
  return messages.ok() && messages->size() == 1 ? messages->front() : std::make_shared<const Message>();
}

RunChanges MessageLogContract::Changes(const Position& from, const ReadLimit& limit) {
  const absl::StatusOr<RunChanges> changes = log().ReadChanges({under_test_->epoch(), run_no_, from}, limit);
  EXPECT_TRUE(changes.ok()) << changes.status();
  return changes.ok() ? *changes : RunChanges();
}

absl::StatusCode MessageLogContract::CodeAt(const Position& from) {
  return log().ReadChanges({under_test_->epoch(), run_no_, from}, kLargePage).status().code();
}

std::vector<MessageId> MessageLogContract::PublishSome(int count, const std::string& value) {
  std::vector<MessageId> ids;
  ids.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) ids.push_back(PublishedId(Draft("run-a", "k", value)));
  return ids;
}

std::vector<int64_t> MessageLogContract::Kept() {
  const absl::StatusOr<HistoryPage> page = log().ListHistory({.run = {.id = "run-a"}, .limit = kLargePage});
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? SequencesOf(page->messages) : std::vector<int64_t>();
}

int64_t MessageLogContract::Prune(const Retention& retention, const PruneLimit& limit) {
  const absl::StatusOr<int64_t> rows = pruning().Prune(run_no_, retention, limit);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *rows : -1;
}

std::vector<int64_t> SequencesOf(const std::vector<MessagePtr>& messages) {
  std::vector<int64_t> sequences;
  sequences.reserve(messages.size());
  for (const MessagePtr& message : messages) sequences.push_back(message->id.sequence);
  return sequences;
}

}  // namespace signalbox::service

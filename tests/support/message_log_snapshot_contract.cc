#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/message_log_contract.h"

// What is pending in several runs, and what of it need not be read again.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(MessageLogContract, ReadSnapshotsTellsOfEachRunWhatIsPending) {
  under_test_->AddRun("run-b", "p", 2);
  under_test_->AddRun("run-c", "p", 3);
  const std::vector<MessageId> ids = PublishSome(3);
  Ack(Call({ids[1]}, "w"));
  Publish(Draft("run-b", "k", "value"));
  const std::vector<PendingRead> reads = {{.run = {.id = "run-c"}},
                                          {.run = {.project = "p", .rank = 1}},
                                          {.run = {.id = "nowhere"}},
                                          {.run = {.project = "p", .rank = 9}},
                                          {.run = {.id = "run-b"}}};
  const absl::StatusOr<PendingSnapshots> answer = log().ReadSnapshots(reads, kLargePage);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto& snapshots = answer->snapshots;
  ASSERT_THAT(snapshots, SizeIs(5));
  EXPECT_THAT((*snapshots[0])->messages, IsEmpty());
  EXPECT_EQ((*snapshots[0])->head, Position{});
  EXPECT_THAT(SequencesOf((*snapshots[1])->messages), ElementsAre(1, 3));
  EXPECT_EQ((*snapshots[1])->head, (Position{3, 1, ids[2].nonce}));
  EXPECT_EQ((*snapshots[1])->run.run_no, run_no_);
  EXPECT_EQ((*snapshots[1])->run.epoch, under_test_->epoch());
  EXPECT_EQ((*snapshots[1])->messages[0]->run_id, "run-a");
  EXPECT_TRUE(absl::IsNotFound(snapshots[2].status())) << snapshots[2].status();
  EXPECT_TRUE(absl::IsNotFound(snapshots[3].status())) << snapshots[3].status();
  EXPECT_EQ((*snapshots[4])->messages[0]->value, "value");
  EXPECT_EQ((*snapshots[4])->messages[0]->state, MessageState::kPending);
}

TEST_P(MessageLogContract, ReadSnapshotsReadsAgainOnlyWhatHasChanged) {
  const auto read = [this](PendingSnapshotPtr known) {
    const PendingRead reads[] = {{.run = {.id = "run-a"}, .known = std::move(known)}};
    return *log().ReadSnapshots(reads, kLargePage)->snapshots[0];
  };
  const PendingSnapshotPtr empty = read(nullptr);
  EXPECT_EQ(read(empty), empty);
  const MessageId first = PublishedId(Draft("run-a", "k"));
  const PendingSnapshotPtr one = read(empty);
  EXPECT_THAT(SequencesOf(one->messages), ElementsAre(1));
  EXPECT_EQ(read(one), one);
  Ack(Call({first}, "w"));
  const PendingSnapshotPtr none = read(one);
  EXPECT_THAT(none->messages, IsEmpty());
  EXPECT_EQ(none->head, (Position{1, 1, first.nonce}));
  Ack(Call({first}, "w", AckOutcome::kApplied));
  EXPECT_EQ(read(none), none) << "what was claimed is no longer pending, whatever becomes of it";
  under_test_->LetShortTtlPass();
  ASSERT_EQ(Prune(), 1);
  EXPECT_THAT(read(none)->messages, IsEmpty());
  auto other_epoch = std::make_shared<PendingSnapshot>(*none);
  ++other_epoch->run.epoch;
  EXPECT_NE(read(other_epoch), other_epoch);
}

// A restore may leave the epoch as it was, and take back what was read.
TEST_P(MessageLogContract, WhatIsKnownOfAHistoryTakenBackIsOfNoUse) {
  const auto read = [this](PendingSnapshotPtr known) {
    const PendingRead reads[] = {{.run = {.id = "run-a"}, .known = std::move(known)}};
    return *log().ReadSnapshots(reads, kLargePage)->snapshots[0];
  };
  PublishSome(2);
  const PendingSnapshotPtr known = read(nullptr);
  auto other_message = std::make_shared<PendingSnapshot>(*known);
  ++other_message->head.mark;
  EXPECT_EQ(read(other_message)->head.mark, known->head.mark);
  auto ahead = std::make_shared<PendingSnapshot>(*known);
  ++ahead->head.sequence;
  EXPECT_THAT(SequencesOf(read(ahead)->messages), ElementsAre(1, 2));
}

// As when a run was pruned and its id names a new one.
TEST_P(MessageLogContract, WhatIsKnownOfAnotherRunIsOfNoUse) {
  const auto read = [this](const char* run, PendingSnapshotPtr known) {
    const PendingRead reads[] = {{.run = {.id = run}, .known = std::move(known)}};
    return *log().ReadSnapshots(reads, kLargePage)->snapshots[0];
  };
  under_test_->AddRun("run-b", "p", 2);
  Ack(Call(PublishSome(3), "w"));
  const PendingSnapshotPtr known = read("run-a", nullptr);
  const MessageId id = PublishedId(Draft("run-b", "k"));
  Ack(Call({id}, "w"));
  const PendingSnapshotPtr other = read("run-b", known);
  EXPECT_EQ(other->head, (Position{1, 1, id.nonce}));
  EXPECT_EQ(other->run.id, "run-b");
}

TEST_P(MessageLogContract, WhatIsKnownOfARunOfAnotherRankIsOfNoUse) {
  const auto read = [this](int64_t rank, PendingSnapshotPtr known) {
    const PendingRead reads[] = {{.run = {.project = "p", .rank = rank}, .known = std::move(known)}};
    return *log().ReadSnapshots(reads, kLargePage)->snapshots[0];
  };
  under_test_->AddRun("run-b", "p", 2);
  const PendingSnapshotPtr known = read(1, nullptr);
  EXPECT_EQ(read(1, known), known);
  EXPECT_EQ(read(2, known)->run.id, "run-b");
}

TEST_P(MessageLogContract, WhatIsKnownOfARunOfAnotherProjectIsOfNoUse) {
  const auto read = [this](const char* project, PendingSnapshotPtr known) {
    const PendingRead reads[] = {{.run = {.project = project, .rank = 1}, .known = std::move(known)}};
    return *log().ReadSnapshots(reads, kLargePage)->snapshots[0];
  };
  under_test_->AddRun("run-q", "q", 1);
  const PendingSnapshotPtr known = read("q", nullptr);
  EXPECT_EQ(read("q", known), known);
  EXPECT_EQ(read("p", known)->run.id, "run-a");
}

TEST_P(MessageLogContract, ReadSnapshotsTellsWhatIsKnownFromWhatIsNot) {
  under_test_->AddRun("run-b", "p", 2);
  under_test_->AddRun("run-c", "p", 3);
  const auto read = [this](const std::vector<PendingRead>& reads) {
    return log().ReadSnapshots(reads, kLargePage)->snapshots;
  };
  const PendingRead a = {.run = {.id = "run-a"}}, b = {.run = {.id = "run-b"}}, c = {.run = {.id = "run-c"}};
  const auto known = read({a, b, c});
  const MessageId id = PublishedId(Draft("run-b", "k"));
  const auto now = read({{.run = a.run, .known = *known[0]},
                         {.run = {.id = "nowhere"}, .known = *known[0]},
                         {.run = b.run, .known = *known[1]},
                         {.run = c.run, .known = *known[2]},
                         a});
  ASSERT_THAT(now, SizeIs(5));
  EXPECT_EQ(*now[0], *known[0]);
  EXPECT_TRUE(absl::IsNotFound(now[1].status())) << now[1].status();
  EXPECT_EQ((*now[2])->head, (Position{1, 0, id.nonce}));
  EXPECT_THAT(SequencesOf((*now[2])->messages), ElementsAre(1));
  EXPECT_EQ(*now[3], *known[2]);
  EXPECT_EQ((*now[4])->run.id, "run-a");
  EXPECT_NE(*now[4], *known[0]);
}

TEST_P(MessageLogContract, ASnapshotHasItsLimits) {
  const auto read = [this](ReadLimit limit) {
    const PendingRead reads[] = {{.run = {.id = "run-a"}}};
    return *log().ReadSnapshots(reads, limit)->snapshots[0];
  };
  PublishSome(3, "12345");
  EXPECT_TRUE(read({3, 1 << 20})->is_whole);
  EXPECT_FALSE(read({2, 1 << 20})->is_whole);
  EXPECT_THAT(read({2, 1 << 20})->messages, IsEmpty());
  EXPECT_EQ(read({2, 1 << 20})->head.sequence, 3);
  EXPECT_TRUE(read({3, 15})->is_whole);
  EXPECT_FALSE(read({3, 10})->is_whole);
}

}  // namespace
}  // namespace signalbox::service

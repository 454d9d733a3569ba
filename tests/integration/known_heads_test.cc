#include "service/postgres/known_heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/temp_database.h"

// A replica remembers where its groups left a run. Whatever happened since, it must not show: the next
// numbers are those after what the database has.

namespace signalbox::service {
namespace {

using testing::SizeIs;

// The parameter is the size of the groups: one goes another way than many.
class KnownHeadsInGroupsTest : public testing::TestWithParam<size_t> {
 protected:
  KnownHeadsInGroupsTest() {
    EXPECT_TRUE(replica_.runs().Create({.project = "p", .id = "run-a"}).ok());
    Publish(replica_, 4);
    EXPECT_EQ(Ack(replica_, {1, 2, 3}).to, (Position{4, 3}));
  }

  // Publishes `count` commands, one after the other or in groups; returns what the last of these changed.
  static RunChanges Publish(PostgresStorage& storage, size_t count) {
    const NewMessage draft = {.run = {.id = "run-a"}, .key = "k", .value = "v"};
    absl::StatusOr<GroupOutcome> outcome;
    for (size_t done = 0; done < count; done += GetParam()) {
      outcome = Apply(storage, std::vector<const NewMessage*>(GetParam(), &draft), {});
      if (!outcome.ok()) return {};
      EXPECT_THAT(outcome->changes, SizeIs(1));
      for (const Appended& appended : outcome->appended) EXPECT_TRUE(appended.status.ok()) << appended.status;
    }
    return outcome->changes.empty() ? RunChanges{} : outcome->changes.front();
  }

  // Claims these in one call, or in a call for each, as the groups are.
  RunChanges Ack(PostgresStorage& storage, const std::vector<int64_t>& sequences) const {
    std::vector<AckCall> calls;
    for (const int64_t sequence : sequences) {
      if (calls.empty() || GetParam() == 1) calls.push_back({.consumer = "w"});
      calls.back().ids.push_back({1, sequence, NonceOf(sequence)});
    }
    absl::StatusOr<GroupOutcome> outcome;
    for (const AckCall& call : calls) {
      outcome = Apply(storage, {}, {&call});
      if (!outcome.ok()) return {};
      EXPECT_THAT(outcome->changes, SizeIs(1));
    }
    return outcome->changes.empty() ? RunChanges{} : outcome->changes.front();
  }

  // Again if its session has ended.
  static absl::StatusOr<GroupOutcome> Apply(PostgresStorage& storage,
                                            const std::vector<const NewMessage*>& publishes,
                                            const std::vector<const AckCall*>& acks) {
    absl::StatusOr<GroupOutcome> outcome = storage.log().ApplyGroup(publishes, acks);
    if (absl::IsUnavailable(outcome.status())) outcome = storage.log().ApplyGroup(publishes, acks);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome;
  }

  // A restore: messages after `sequence` are gone, and changes after `change` were not made.
  void GoBackTo(int64_t sequence, int64_t change) const {
    database_.Query(absl::StrCat("DELETE FROM signalbox.messages WHERE sequence > ", sequence));
    database_.Query(absl::StrCat(
        "UPDATE signalbox.messages SET state = 1, change = NULL, ack_time = NULL, consumer = NULL "
        "WHERE change > ",
        change));
    database_.Replace();
  }

  // Sequences and changes without a gap and without a double, whoever took them.
  void ExpectDense(int64_t sequence, int64_t change) const {
    EXPECT_EQ(Numbers("sequence"), absl::StrCat(sequence, " 1 ", sequence));
    EXPECT_EQ(Numbers("change"), absl::StrCat(change, " 1 ", change));
  }

  int64_t NonceOf(int64_t sequence) const {
    return std::stoll(
        database_.Query(absl::StrCat("SELECT nonce FROM signalbox.messages WHERE sequence = ", sequence)));
  }
  std::string Numbers(const std::string& column) const {
    return database_.Query(absl::StrCat("SELECT concat_ws(' ', count(DISTINCT ", column, "), min(", column,
                                        "), max(", column, ")) FROM signalbox.messages"));
  }

  static int64_t size() { return static_cast<int64_t>(GetParam()); }

  TempDatabase database_;
  PostgresStorage replica_{database_.Options("replica"), 1000};
  PostgresStorage other_{database_.Options("other"), 1000};
};

TEST_P(KnownHeadsInGroupsTest, APublishAfterARestoreGoesOnFromWhatIsThere) {
  GoBackTo(2, 1);
  const RunChanges changes = Publish(replica_, GetParam());
  EXPECT_EQ(changes.from, (Position{2, 1}));
  EXPECT_EQ(changes.to.sequence, 2 + size());
  ExpectDense(2 + size(), 1);
  EXPECT_EQ(Publish(replica_, GetParam()).from, (Position{2 + size(), 1}));
}

TEST_P(KnownHeadsInGroupsTest, AnAckAfterARestoreGoesOnFromWhatIsThere) {
  GoBackTo(4, 1);
  EXPECT_EQ(Ack(replica_, {2, 3}).to, (Position{4, 3}));
  GoBackTo(2, 0);
  EXPECT_EQ(Ack(replica_, {2, 1}).to, (Position{2, 2}));
  ExpectDense(2, 2);
}

TEST_P(KnownHeadsInGroupsTest, ARunThatIsEmptyAfterARestoreBeginsAnew) {
  GoBackTo(0, 0);
  EXPECT_EQ(Publish(replica_, GetParam()).from, Position{});
  EXPECT_EQ(Publish(replica_, GetParam()).from, (Position{size(), 0}));
}

TEST_P(KnownHeadsInGroupsTest, APublishComesAfterThoseOfAnotherReplica) {
  Publish(other_, 4);
  Ack(other_, {4, 5});
  const RunChanges changes = Publish(replica_, GetParam());
  EXPECT_EQ(changes.from, (Position{8, 5}));
  Publish(other_, GetParam());
  const int64_t last = Publish(replica_, GetParam()).to.sequence;
  EXPECT_EQ(last, 8 + 3 * size());
  ExpectDense(last, 5);
}

TEST_P(KnownHeadsInGroupsTest, AnAckComesAfterThoseOfAnotherReplica) {
  const int64_t last = Publish(other_, 6).to.sequence;
  EXPECT_EQ(Ack(other_, {4, 6}).to, (Position{last, 5}));
  EXPECT_EQ(Ack(replica_, {5, 7}).to, (Position{last, 7}));
  EXPECT_EQ(Ack(other_, {8, 9}).to, (Position{last, 9}));
  ExpectDense(last, 9);
}

TEST_P(KnownHeadsInGroupsTest, ARunThatWasPrunedPastWhatIsKnownGoesOn) {
  const int64_t last = Publish(other_, 2).to.sequence;
  database_.Query("UPDATE signalbox.messages SET state = 3, change = sequence, finish_time = create_time");
  const Retention nothing = {.ended_runs = absl::Hours(1), .finished_messages = absl::ZeroDuration()};
  ASSERT_EQ(*other_.pruning().Prune(1, nothing, {.rows = 100, .bytes = 1 << 20}), last);
  EXPECT_EQ(Publish(replica_, GetParam()).from, (Position{last, last}));
  EXPECT_EQ(Ack(replica_, {last + 1}).to, (Position{last + size(), last + 1}));
}

// What left PENDING elsewhere is not looked for when a group publishes.
TEST_P(KnownHeadsInGroupsTest, APublishAfterAcksOfAnotherReplicaSaysNoMoreThanItSaw) {
  EXPECT_EQ(Ack(other_, {4}).to, (Position{4, 4}));
  const RunChanges changes = Publish(replica_, GetParam());
  EXPECT_EQ(changes.from.sequence, 4);
  EXPECT_GE(changes.from.change, 3);
  EXPECT_LE(changes.from.change, 4);
  EXPECT_EQ(changes.from.change, changes.to.change);

  // Who was told so misses the withdrawal, and nothing else.
  const int64_t epoch = changes.epoch;
  const auto missed = replica_.log().ReadChanges({epoch, 1, {changes.to.sequence, 3}}, {100, 1 << 20});
  ASSERT_TRUE(missed.ok()) << missed.status();
  EXPECT_THAT(missed->withdrawals, SizeIs(1));
  EXPECT_THAT(missed->messages, SizeIs(0));

  // Once it was read, it is known.
  EXPECT_EQ(Publish(replica_, GetParam()).from, (Position{4 + size(), 4}));
  EXPECT_EQ(Ack(replica_, {5}).to, (Position{4 + 2 * size(), 5}));
  ExpectDense(4 + 2 * size(), 5);
}

TEST_P(KnownHeadsInGroupsTest, WhatWasCancelledIsKnown) {
  ASSERT_TRUE(replica_.log().Cancel({1, 4, NonceOf(4)}, "").ok());
  EXPECT_EQ(Publish(replica_, GetParam()).from, (Position{4, 4}));
}

TEST_P(KnownHeadsInGroupsTest, ThereIsRoomForWhatWasAckedElsewhere) {
  PostgresStorage strict(database_.Options("strict"), 5);
  Publish(strict, 2);
  Publish(strict, GetParam());
  Ack(other_, {4, 5, 6});
  const int64_t last = Publish(strict, 2).to.sequence;
  EXPECT_EQ(last, 8 + size());
  ExpectDense(last, 6);
}

TEST_P(KnownHeadsInGroupsTest, ARequestIdIsRememberedPastWhatIsKnown) {
  const NewMessage draft = {
      .run = {.id = "run-a"}, .key = "k", .value = "v", .request_id = "once", .fingerprint = "f"};
  const auto publish = [&](PostgresStorage& storage) {
    std::vector<NewMessage> drafts(GetParam(), draft);
    for (size_t i = 1; i < drafts.size(); ++i) drafts[i].request_id = absl::StrCat("again-", i);
    std::vector<const NewMessage*> group;
    for (const NewMessage& each : drafts) group.push_back(&each);
    const absl::StatusOr<GroupOutcome> outcome = Apply(storage, group, {});
    return outcome.ok() ? outcome->appended.front().message->id.sequence : 0;
  };
  EXPECT_EQ(publish(other_), 5);
  EXPECT_EQ(publish(replica_), 5);
  EXPECT_EQ(publish(other_), 5);
  ExpectDense(4 + size(), 3);
}

// The heads tell how many are pending; what is known must not let one more in.
TEST_P(KnownHeadsInGroupsTest, ALimitHoldsBesideAnotherReplica) {
  PostgresStorage strict(database_.Options("strict"), 4);
  Publish(strict, 2);
  Publish(other_, 2);
  const NewMessage draft = {.run = {.id = "run-a"}, .key = "k", .value = "v"};
  const absl::StatusOr<GroupOutcome> outcome =
      strict.log().ApplyGroup(std::vector<const NewMessage*>(GetParam(), &draft), {});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(absl::IsResourceExhausted(outcome->appended.back().status)) << outcome->appended.back().status;
}

// One replica writes one at a time, the other in groups; neither knows what the other did.
TEST_P(KnownHeadsInGroupsTest, GroupsOfOneBesideGroupsOfManyLeaveNoGap) {
  constexpr int kRounds = 40;
  const auto write = [](PostgresStorage& storage, size_t size) {
    const NewMessage draft = {.run = {.id = "run-a"}, .key = "k", .value = "v"};
    for (int i = 0; i < kRounds; ++i) {
      const absl::StatusOr<GroupOutcome> published =
          storage.log().ApplyGroup(std::vector<const NewMessage*>(size, &draft), {});
      ASSERT_TRUE(published.ok()) << published.status();
      AckCall call = {.consumer = "w"};
      for (const Appended& appended : published->appended) call.ids.push_back(appended.message->id);
      const absl::StatusOr<GroupOutcome> acked =
          storage.log().ApplyGroup({}, std::vector<const AckCall*>{&call});
      ASSERT_TRUE(acked.ok()) << acked.status();
    }
  };
  std::thread one([&] { write(replica_, 1); });
  std::thread many([&] { write(other_, 1 + GetParam()); });
  one.join();
  many.join();
  const int64_t written = kRounds * (2 + size());
  ExpectDense(4 + written, 3 + written);
}

INSTANTIATE_TEST_SUITE_P(OneAndMany, KnownHeadsInGroupsTest, testing::Values(1, 2));

}  // namespace
}  // namespace signalbox::service

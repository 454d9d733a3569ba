#include <string>

#include "tests/unit/service/rpc/parser_test_support.h"

// The calls of MessageService other than Publish.

namespace signalbox::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const RequestParser kParser{Limits()};

template <typename Request>
Request OfRun() {
  Request request;
  request.mutable_run()->set_id("run-a");
  return request;
}

v1::AckRequest GoodAck() {
  v1::AckRequest request;
  request.add_message_ids(AnId());
  request.set_consumer("host:1:x");
  return request;
}

TEST(ParseGetTest, NeedsARunAndAKey) {
  using R = v1::GetRequest;
  auto good = OfRun<R>();
  good.set_key("k");
  EXPECT_EQ(kParser.Parse(good)->key, "k");
  ExpectRunIsChecked(good);
  ExpectVerdicts<R>(good,
                    {{[](R& r) { r.clear_key(); }, "INVALID_ARGUMENT: key is required"},
                     {[](R& r) { r.set_key(std::string(129, 'k')); }, "INVALID_ARGUMENT: key has 129 bytes"},
                     {[](R& r) { r.mutable_run()->set_id("X"), r.clear_key(); }, "INVALID_ARGUMENT: key"}});
}

TEST(ParseGetAllTest, ChecksEveryField) {
  using R = v1::GetAllRequest;
  ExpectRunIsChecked(OfRun<R>());
  ExpectVerdicts<R>(OfRun<R>(), SpoiledKeys<R>());
  ExpectVerdicts<R>(OfRun<R>(), SpoiledPages<R>());
  auto wrong_twice = OfRun<R>();
  wrong_twice.mutable_run()->set_id("Not-A-Run");
  wrong_twice.set_page_token("garbage");
  EXPECT_THAT(Verdict(wrong_twice), StartsWith("INVALID_ARGUMENT: page_token"));
}

TEST(ParseGetAllTest, PagesHaveALimit) {
  auto request = OfRun<v1::GetAllRequest>();
  EXPECT_EQ(kParser.Parse(request)->query.limit.rows, 1000);
  EXPECT_EQ(kParser.Parse(request)->query.limit.bytes, size_t{1} << 20);
  request.set_page_size(7);
  EXPECT_EQ(kParser.Parse(request)->query.limit.rows, 7);
  request.set_page_size(1001);
  EXPECT_EQ(kParser.Parse(request)->query.limit.rows, 1000);
}

TEST(ParseGetAllTest, ATokenGoesOnWhereThePageEnded) {
  auto request = OfRun<v1::GetAllRequest>();
  request.add_keys("k");
  const uint64_t query = kParser.Parse(request)->fingerprint;
  request.set_page_token(Encode(PageToken{.query = query, .after = 5, .first_page = {9, 2}, .epoch = 3}));
  request.set_page_size(3);
  const absl::StatusOr<Paged<PendingQuery>> paged = kParser.Parse(request);
  ASSERT_TRUE(paged.ok()) << paged.status();
  EXPECT_EQ(paged->fingerprint, query) << "the size of a page may change";
  EXPECT_EQ(paged->query.after, 5);
  EXPECT_EQ(paged->query.up_to, 9);
  EXPECT_EQ(paged->token->epoch, 3);
  request.add_keys("other");
  EXPECT_THAT(Verdict(request), HasSubstr("belongs to another query"));
}

TEST(ParseAckTest, EveryFieldArrives) {
  v1::AckRequest request = GoodAck();
  request.set_outcome(v1::ACK_OUTCOME_FAILED);
  request.mutable_reply()->set_string_value("r");
  request.set_error("broke");
  request.set_step(42);
  const absl::StatusOr<AckRequest> ack = kParser.Parse(request);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_THAT(ack->call.ids, ElementsAre(MessageId{1, 1, 7}));
  EXPECT_EQ(ack->call.consumer, "host:1:x");
  EXPECT_EQ(ack->call.outcome, AckOutcome::kFailed);
  EXPECT_EQ(ack->call.reply, request.reply().SerializeAsString());
  EXPECT_EQ(ack->call.error, "broke");
  EXPECT_EQ(ack->call.step, 42);
}

TEST(ParseAckTest, AnIdGivenTwiceIsAckedOnceAndAnsweredTwice) {
  v1::AckRequest request = GoodAck();
  request.add_message_ids(AnId(2));
  request.add_message_ids(AnId(1));
  const absl::StatusOr<AckRequest> ack = kParser.Parse(request);
  ASSERT_TRUE(ack.ok()) << ack.status();
  EXPECT_THAT(ack->call.ids, ElementsAre(MessageId{1, 1, 7}, MessageId{1, 2, 7}));
  EXPECT_THAT(ack->message_ids, ElementsAre(AnId(1), AnId(2), AnId(1)));
  EXPECT_THAT(ack->place, ElementsAre(0, 1, 0));
}

TEST(ParseAckTest, ChecksEveryField) {
  using R = v1::AckRequest;
  const auto finish = [](R& r) { r.set_outcome(v1::ACK_OUTCOME_APPLIED); };
  const auto fill = [](R& r, int count) {
    while (r.message_ids_size() < count) r.add_message_ids(AnId(r.message_ids_size() + 1));
  };
  ExpectVerdicts<R>(
      GoodAck(),
      {
          {[](R& r) { r.clear_message_ids(); }, "INVALID_ARGUMENT: message_ids is required"},
          {[&](R& r) { fill(r, 1000); }, "OK"},
          {[&](R& r) { fill(r, 1001); },
           "INVALID_ARGUMENT: message_ids has 1001 elements; the limit is 1000"},
          {[](R& r) { r.add_message_ids(""); }, "INVALID_ARGUMENT: message_ids holds an empty id"},
          {[](R& r) { r.add_message_ids("nonsense"); }, "NOT_FOUND: message_ids"},
          {[](R& r) { r.add_message_ids("nonsense"), r.clear_consumer(); }, "INVALID_ARGUMENT: consumer"},
          {[](R& r) { r.clear_consumer(); }, "INVALID_ARGUMENT: consumer is required"},
          {[](R& r) { r.set_consumer(std::string(128, 'c')); }, "OK"},
          {[](R& r) { r.set_consumer(std::string(129, 'c')); },
           "INVALID_ARGUMENT: consumer has 129 bytes; the limit is 128"},
          {[](R& r) { r.set_consumer(std::string("a\0", 2)); },
           "INVALID_ARGUMENT: consumer must not contain U+0000"},
          {[](R& r) { r.set_outcome(static_cast<v1::AckOutcome>(7)); }, "INVALID_ARGUMENT: outcome"},
          {[](R& r) { r.mutable_reply()->set_bool_value(true); }, "INVALID_ARGUMENT: reply needs an outcome"},
          {[](R& r) { r.set_error("e"); }, "INVALID_ARGUMENT: error needs an outcome"},
          {[](R& r) { r.set_step(1); }, "INVALID_ARGUMENT: step needs an outcome"},
          {[&](R& r) { finish(r), r.set_step(-1); }, "INVALID_ARGUMENT: step must not be negative"},
          {[&](R& r) { finish(r), r.set_step(INT64_MAX); }, "OK"},
          {[&](R& r) { finish(r), r.mutable_reply(); }, "OK"},
          {[&](R& r) { finish(r), r.mutable_reply()->set_string_value(std::string(16381, 'r')); }, "OK"},
          {[&](R& r) { finish(r), r.mutable_reply()->set_string_value(std::string(16382, 'r')); },
           "INVALID_ARGUMENT: reply has 16385 bytes; the limit is 16384"},
          {[&](R& r) { finish(r), r.set_error(std::string(1024, 'e')); }, "OK"},
          {[&](R& r) { finish(r), r.set_error(std::string(1025, 'e')); },
           "INVALID_ARGUMENT: error has 1025 bytes; the limit is 1024"},
      });
}

TEST(ParseSubscribeTest, ChecksEveryField) {
  using R = v1::SubscribeRequest;
  ExpectRunIsChecked(OfRun<R>());
  ExpectVerdicts<R>(OfRun<R>(), SpoiledKeys<R>());
  ExpectVerdicts<R>(
      OfRun<R>(),
      {
          {[](R& r) { r.set_consumer(std::string(128, 'c')); }, "OK"},
          {[](R& r) { r.set_consumer(std::string(129, 'c')); }, "INVALID_ARGUMENT: consumer has 129 bytes"},
          {[](R& r) { r.set_cursor("garbage"); }, "INVALID_ARGUMENT: cursor"},
          {[](R& r) { r.set_cursor(Encode(PageToken{})); }, "INVALID_ARGUMENT: cursor"},
          {[](R& r) {
             r.set_cursor(Encode(Cursor{5, 6, {7, 8}}));
           },
           "OK"},
          {[](R& r) { r.add_declare_keys(); }, "INVALID_ARGUMENT: declare_keys[0].key is required"},
          {[](R& r) { r.mutable_run()->set_id("X"), r.set_cursor("garbage"); }, "INVALID_ARGUMENT: cursor"},
      });
}

TEST(ParseSubscribeTest, TheCursorIsAPosition) {
  auto request = OfRun<v1::SubscribeRequest>();
  EXPECT_FALSE(kParser.Parse(request)->cursor.has_value());
  request.set_cursor(Encode(Cursor{5, 6, {7, 8}}));
  EXPECT_EQ(kParser.Parse(request)->cursor->position, (Position{7, 8}));
}

TEST(ParseAwaitTest, ChecksEveryFieldAndHasDefaults) {
  using R = v1::AwaitRequest;
  R good;
  good.set_message_id(AnId());
  EXPECT_EQ(kParser.Parse(good)->until, AwaitUntil::kFinished);
  EXPECT_EQ(kParser.Parse(good)->timeout, absl::Minutes(5));
  good.set_until(v1::AWAIT_UNTIL_ACKED);
  EXPECT_EQ(kParser.Parse(good)->until, AwaitUntil::kAcked);
  good.mutable_timeout();
  EXPECT_EQ(kParser.Parse(good)->timeout, absl::ZeroDuration());
  good.mutable_timeout()->set_seconds(301);
  EXPECT_EQ(kParser.Parse(good)->timeout, absl::Minutes(5));
  ExpectVerdicts<R>(
      good, {
                {[](R& r) { r.clear_message_id(); }, "INVALID_ARGUMENT: message_id is required"},
                {[](R& r) { r.set_message_id("nonsense"); }, "NOT_FOUND: message_id"},
                {[](R& r) { r.set_until(static_cast<v1::AwaitUntil>(9)); }, "INVALID_ARGUMENT: until"},
                {[](R& r) { r.mutable_timeout()->set_seconds(-1); },
                 "INVALID_ARGUMENT: timeout must not be negative"},
                {[](R& r) { r.mutable_timeout()->set_nanos(2'000'000'000); }, "INVALID_ARGUMENT: timeout"},
                {[](R& r) { r.set_message_id("x"), r.mutable_timeout()->set_seconds(-1); },
                 "INVALID_ARGUMENT: timeout"},
            });
}

TEST(ParseCancelTest, ChecksEveryField) {
  using R = v1::CancelRequest;
  R good;
  good.set_message_id(AnId());
  good.set_reason(std::string(1024, 'w'));
  EXPECT_EQ(kParser.Parse(good)->id, (MessageId{1, 1, 7}));
  EXPECT_EQ(kParser.Parse(good)->reason.size(), 1024U);
  ExpectVerdicts<R>(
      good, {{[](R& r) { r.clear_message_id(); }, "INVALID_ARGUMENT: message_id is required"},
             {[](R& r) { r.set_message_id("nonsense"); }, "NOT_FOUND: message_id"},
             {[](R& r) { r.set_reason(std::string(1025, 'w')); }, "INVALID_ARGUMENT: reason has 1025 bytes"},
             {[](R& r) { r.set_reason(std::string("\0", 1)), r.set_message_id("x"); },
              "INVALID_ARGUMENT: reason"}});
}

TEST(ParseListMessagesTest, ChecksEveryField) {
  using R = v1::ListMessagesRequest;
  ExpectRunIsChecked(OfRun<R>());
  ExpectVerdicts<R>(OfRun<R>(), SpoiledKeys<R>());
  ExpectVerdicts<R>(OfRun<R>(), SpoiledPages<R>());
  ExpectVerdicts<R>(
      OfRun<R>(),
      {{[](R& r) { r.add_states(v1::MESSAGE_STATE_EXPIRED); }, "OK"},
       {[](R& r) { r.add_states(v1::MESSAGE_STATE_UNSPECIFIED); }, "INVALID_ARGUMENT: states"},
       {[](R& r) { r.add_states(static_cast<v1::MessageState>(99)); }, "INVALID_ARGUMENT: states"}});
  EXPECT_EQ(kParser.Parse(OfRun<R>())->query.limit.rows, 100);
}

}  // namespace
}  // namespace signalbox::service

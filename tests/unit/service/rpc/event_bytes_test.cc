#include "service/rpc/event_bytes.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signalbox/v1/message_service.pb.h"

namespace signalbox::service {
namespace {

MessagePtr MessageOf(int64_t run_no, int64_t sequence, const std::string& key) {
  auto message = std::make_shared<Message>();
  message->id = {run_no, sequence, 7};
  message->run_id = "run";
  message->key = key;
  message->state = MessageState::kPending;
  return message;
}

class EventBytesTest : public testing::Test {
 protected:
  grpc::ByteBuffer Of(const FeedEvent& event) { return bytes_.Of(event, cursor_, now_); }

  static v1::SubscribeResponse Parsed(const grpc::ByteBuffer& bytes) {
    grpc::ByteBuffer copy = bytes;
    grpc::ProtoBufferReader reader(&copy);
    v1::SubscribeResponse response;
    EXPECT_TRUE(response.ParseFromZeroCopyStream(&reader));
    return response;
  }
  /// Where the bytes lie; that of two buffers which share them is the same.
  static const uint8_t* PlaceOf(const grpc::ByteBuffer& bytes) {
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(bytes.Dump(&slices).ok());
    EXPECT_EQ(slices.size(), 1);
    return slices.front().begin();
  }

  const Cursor cursor_ = {.epoch = 5, .run_no = 1};
  const absl::Time now_ = absl::FromUnixSeconds(1'000);
  EventBytes bytes_;
};

TEST_F(EventBytesTest, OfAMessageAreShared) {
  const MessagePtr message = MessageOf(1, 3, std::string(100, 'k'));
  const grpc::ByteBuffer first = Of(message);
  const grpc::ByteBuffer second = Of(message);
  EXPECT_EQ(PlaceOf(first), PlaceOf(second));
  EXPECT_EQ(Parsed(second).message().sequence(), 3);
  EXPECT_EQ(Parsed(second).message().key(), message->key);
}

TEST_F(EventBytesTest, OfAnotherMessageAreItsOwn) {
  const MessagePtr message = MessageOf(1, 3, "one");
  // Of the same run, of a run that has its place in what is kept, and the same one read anew.
  const MessagePtr others[] = {MessageOf(1, 4, "next"), MessageOf(17, 3, "of another run"),
                               MessageOf(1, 3, "again")};
  for (const MessagePtr& other : others) {
    EXPECT_EQ(Parsed(Of(message)).message().key(), "one");
    EXPECT_EQ(Parsed(Of(other)).message().key(), other->key);
  }
}

TEST_F(EventBytesTest, OutliveWhatIsKept) {
  const grpc::ByteBuffer first = Of(MessageOf(1, 3, std::string(100, 'k')));
  for (int64_t sequence = 4; sequence < 10; ++sequence) Of(MessageOf(1, sequence, "k"));
  EXPECT_EQ(Parsed(first).message().sequence(), 3);
}

TEST_F(EventBytesTest, OfOtherEventsAreMadeEachTime) {
  EXPECT_EQ(Parsed(Of(ProgressEvent{{.sequence = 3}, 3, true})).progress().head_sequence(), 3);
  EXPECT_EQ(Parsed(Of(ProgressEvent{{.sequence = 4}, 4, true})).progress().head_sequence(), 4);
  const Withdrawal withdrawal = {{1, 3, 7}, "k", MessageState::kAcked, "worker", 1};
  EXPECT_EQ(Parsed(Of(withdrawal)).withdrawn().consumer(), "worker");
  EXPECT_EQ(Parsed(Of(RunEndedEvent{RunOutcome::kStopped})).run_ended().outcome(), v1::RUN_OUTCOME_STOPPED);
}

}  // namespace
}  // namespace signalbox::service

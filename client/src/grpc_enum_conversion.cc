#include "grpc_enum_conversion.h"

namespace signalbox::internal {

v1::Kind ToProto(Kind kind) {
  switch (kind) {
    case Kind::kUnspecified:
      return v1::KIND_UNSPECIFIED;
    case Kind::kCommand:
      return v1::KIND_COMMAND;
    case Kind::kSetting:
      return v1::KIND_SETTING;
  }
  return v1::KIND_UNSPECIFIED;
}

Kind FromProto(v1::Kind kind) {
  switch (kind) {
    case v1::KIND_COMMAND:
      return Kind::kCommand;
    case v1::KIND_SETTING:
      return Kind::kSetting;
    default:
      return Kind::kUnspecified;
  }
}

v1::MessageState ToProto(MessageState state) {
  switch (state) {
    case MessageState::kUnspecified:
      return v1::MESSAGE_STATE_UNSPECIFIED;
    case MessageState::kPending:
      return v1::MESSAGE_STATE_PENDING;
    case MessageState::kAcked:
      return v1::MESSAGE_STATE_ACKED;
    case MessageState::kApplied:
      return v1::MESSAGE_STATE_APPLIED;
    case MessageState::kFailed:
      return v1::MESSAGE_STATE_FAILED;
    case MessageState::kSuperseded:
      return v1::MESSAGE_STATE_SUPERSEDED;
    case MessageState::kCancelled:
      return v1::MESSAGE_STATE_CANCELLED;
    case MessageState::kExpired:
      return v1::MESSAGE_STATE_EXPIRED;
    case MessageState::kUndelivered:
      return v1::MESSAGE_STATE_UNDELIVERED;
  }
  return v1::MESSAGE_STATE_UNSPECIFIED;
}

MessageState FromProto(v1::MessageState state) {
  switch (state) {
    case v1::MESSAGE_STATE_PENDING:
      return MessageState::kPending;
    case v1::MESSAGE_STATE_ACKED:
      return MessageState::kAcked;
    case v1::MESSAGE_STATE_APPLIED:
      return MessageState::kApplied;
    case v1::MESSAGE_STATE_FAILED:
      return MessageState::kFailed;
    case v1::MESSAGE_STATE_SUPERSEDED:
      return MessageState::kSuperseded;
    case v1::MESSAGE_STATE_CANCELLED:
      return MessageState::kCancelled;
    case v1::MESSAGE_STATE_EXPIRED:
      return MessageState::kExpired;
    case v1::MESSAGE_STATE_UNDELIVERED:
      return MessageState::kUndelivered;
    default:
      return MessageState::kUnspecified;
  }
}

v1::RunState ToProto(RunState state) {
  switch (state) {
    case RunState::kUnspecified:
      return v1::RUN_STATE_UNSPECIFIED;
    case RunState::kActive:
      return v1::RUN_STATE_ACTIVE;
    case RunState::kEnded:
      return v1::RUN_STATE_ENDED;
  }
  return v1::RUN_STATE_UNSPECIFIED;
}

RunState FromProto(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_ACTIVE:
      return RunState::kActive;
    case v1::RUN_STATE_ENDED:
      return RunState::kEnded;
    default:
      return RunState::kUnspecified;
  }
}

RunOutcome FromProto(v1::RunOutcome outcome) {
  switch (outcome) {
    case v1::RUN_OUTCOME_COMPLETED:
      return RunOutcome::kCompleted;
    case v1::RUN_OUTCOME_FAILED:
      return RunOutcome::kFailed;
    case v1::RUN_OUTCOME_STOPPED:
      return RunOutcome::kStopped;
    default:
      return RunOutcome::kUnspecified;
  }
}

v1::AckOutcome ToProto(AckOutcome outcome) {
  switch (outcome) {
    case AckOutcome::kUnspecified:
      return v1::ACK_OUTCOME_UNSPECIFIED;
    case AckOutcome::kApplied:
      return v1::ACK_OUTCOME_APPLIED;
    case AckOutcome::kFailed:
      return v1::ACK_OUTCOME_FAILED;
  }
  return v1::ACK_OUTCOME_UNSPECIFIED;
}

v1::RunOutcome ToProto(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::kUnspecified:
      return v1::RUN_OUTCOME_UNSPECIFIED;
    case RunOutcome::kCompleted:
      return v1::RUN_OUTCOME_COMPLETED;
    case RunOutcome::kFailed:
      return v1::RUN_OUTCOME_FAILED;
    case RunOutcome::kStopped:
      return v1::RUN_OUTCOME_STOPPED;
  }
  return v1::RUN_OUTCOME_UNSPECIFIED;
}

}  // namespace signalbox::internal

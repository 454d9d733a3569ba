#include "service/rpc/status_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace signalbox::service {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusMappingTest, OkIsOk) { EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok()); }

TEST(StatusMappingTest, TellsTheCallerWhatConcernsTheCaller) {
  const std::pair<absl::Status, grpc::StatusCode> table[] = {
      {absl::InvalidArgumentError("text"), grpc::StatusCode::INVALID_ARGUMENT},
      {absl::NotFoundError("text"), grpc::StatusCode::NOT_FOUND},
      {absl::AlreadyExistsError("text"), grpc::StatusCode::ALREADY_EXISTS},
      {absl::FailedPreconditionError("text"), grpc::StatusCode::FAILED_PRECONDITION},
      {absl::ResourceExhaustedError("text"), grpc::StatusCode::RESOURCE_EXHAUSTED},
      {absl::OutOfRangeError("text"), grpc::StatusCode::OUT_OF_RANGE},
      {absl::UnauthenticatedError("text"), grpc::StatusCode::UNAUTHENTICATED},
      {absl::PermissionDeniedError("text"), grpc::StatusCode::PERMISSION_DENIED},
      {absl::UnavailableError("text"), grpc::StatusCode::UNAVAILABLE},
      {absl::CancelledError("text"), grpc::StatusCode::CANCELLED},
      // Somebody was in the way: try again.
      {absl::AbortedError("text"), grpc::StatusCode::UNAVAILABLE},
      {absl::DeadlineExceededError("text"), grpc::StatusCode::UNAVAILABLE},
  };
  for (const auto& [status, code] : table) {
    EXPECT_EQ(ToGrpc(status).error_code(), code) << status;
    EXPECT_EQ(ToGrpc(status).error_message(), "text") << status;
  }
}

TEST(StatusMappingTest, ADefectIsLoggedAndNotTold) {
  for (const absl::Status& status : {absl::InternalError("secret text"), absl::UnknownError("secret text")}) {
    testing::internal::CaptureStderr();
    const grpc::Status told = ToGrpc(status);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("secret text"));
    EXPECT_EQ(told.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(told.error_message(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace signalbox::service

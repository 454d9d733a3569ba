#include "service/rpc/status_mapping.h"

#include <string>

#include "service/telemetry/log.h"

namespace signalbox::service {

grpc::Status ToGrpc(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return grpc::Status::OK;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return {grpc::StatusCode::UNAVAILABLE, std::string(status.message())};
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      LogError("internal_error", {{"error", status.message()}});
      return {grpc::StatusCode::INTERNAL, "internal error; the server's log has the details"};
    default:
      return {static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())};
  }
}

}  // namespace signalbox::service

#ifndef SIGNALBOX_SERVICE_RPC_REQUEST_PARSER_H
#define SIGNALBOX_SERVICE_RPC_REQUEST_PARSER_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/domain/limits.h"
#include "service/domain/message_log.h"
#include "service/domain/run.h"
#include "service/domain/token.h"
#include "service/feed/await_registry.h"
#include "signalbox/v1/message_service.pb.h"
#include "signalbox/v1/run_service.pb.h"

namespace signalbox::service {

struct GetQuery {
  RunRef run;
  std::string key;
};

/// An AckCall with the ids as they were sent, in which an id may be given twice.
struct AckRequest {
  AckCall call;
  std::vector<std::string> message_ids;
  std::vector<size_t> place;  ///< Of message_ids[i] in call.ids.
};

struct SubscribeQuery {
  RunRef run;
  std::vector<std::string> keys;
  std::optional<Cursor> cursor;
  std::vector<KeyDeclaration> declare_keys;
};

struct AwaitQuery {
  MessageId id;
  AwaitUntil until = AwaitUntil::kFinished;
  absl::Duration timeout;
};

struct CancelQuery {
  MessageId id;
  std::string reason;
};

struct EndQuery {
  RunRef run;
  RunOutcome outcome = RunOutcome::kUnspecified;
};

struct DeclareQuery {
  RunRef run;
  std::vector<KeyDeclaration> keys;
};

/// A list's query together with what its next page token needs.
template <typename Query>
struct Paged {
  Query query;
  uint64_t fingerprint = 0;        ///< Of everything that selects rows.
  std::optional<PageToken> token;  ///< Nothing on the first page.
};

/// Turns requests into domain values; whatever comes out respects every limit. kInvalidArgument names
/// the field and the limit; kNotFound: an id that no run or message can have, answered only when
/// nothing else is wrong. Thread-safe, pure.
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits) : limits_(limits) {}

  absl::StatusOr<NewMessage> Parse(const v1::PublishRequest& request) const;
  /// Each request of many is judged by itself; an error is only said of the whole.
  absl::StatusOr<std::vector<absl::StatusOr<NewMessage>>> Parse(const v1::PublishManyRequest& request) const;
  absl::StatusOr<GetQuery> Parse(const v1::GetRequest& request) const;
  absl::StatusOr<Paged<PendingQuery>> Parse(const v1::GetAllRequest& request) const;
  absl::StatusOr<AckRequest> Parse(const v1::AckRequest& request) const;
  absl::StatusOr<SubscribeQuery> Parse(const v1::SubscribeRequest& request) const;
  absl::StatusOr<AwaitQuery> Parse(const v1::AwaitRequest& request) const;
  absl::StatusOr<CancelQuery> Parse(const v1::CancelRequest& request) const;
  absl::StatusOr<Paged<HistoryQuery>> Parse(const v1::ListMessagesRequest& request) const;
  absl::StatusOr<NewRun> Parse(const v1::CreateRunRequest& request) const;
  absl::StatusOr<RunRef> Parse(const v1::GetRunRequest& request) const;
  absl::StatusOr<Paged<RunQuery>> Parse(const v1::ListRunsRequest& request) const;
  absl::StatusOr<EndQuery> Parse(const v1::EndRunRequest& request) const;
  absl::StatusOr<DeclareQuery> Parse(const v1::DeclareKeysRequest& request) const;

 private:
  const Limits limits_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_RPC_REQUEST_PARSER_H

#ifndef SIGNALBOX_SERVICE_POSTGRES_ACK_STATEMENT_H
#define SIGNALBOX_SERVICE_POSTGRES_ACK_STATEMENT_H

#include <optional>
#include <pqxx/pqxx>
#include <string>

#include "absl/types/span.h"
#include "service/domain/message_log.h"
#include "service/postgres/known_heads.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {

/// The acks of one group as parameters of `ack_messages`, or of `ack_message` if it is one of one message.
/// Run() throws what pqxx throws.
class AckStatement {
 public:
  AckStatement(absl::Span<const AckCall* const> acks, const KnownHeads& heads);

  /// Sends it and fills `outcome.acked`, `outcome.changes` and `outcome.touched`.
  void Run(Transaction& transaction, GroupOutcome& outcome) const;

  const std::string& run_nos() const { return run_nos_; }

 private:
  void WriteItems(const KnownHeads& heads);
  pqxx::result Send(Transaction& transaction) const;
  pqxx::result SendAlone(Transaction& transaction, const Position& known) const;

  absl::Span<const AckCall* const> acks_;
  std::optional<Position> alone_;  // what is known of the run of an ack that is sent alone
  std::string run_nos_, known_sequences_, known_changes_;  // one element for each distinct run
  std::string places_in_run_, runs_, calls_, sequences_, nonces_, consumers_, outcomes_, replies_, errors_,
      steps_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_ACK_STATEMENT_H

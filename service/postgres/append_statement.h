#ifndef SIGNALBOX_SERVICE_POSTGRES_APPEND_STATEMENT_H
#define SIGNALBOX_SERVICE_POSTGRES_APPEND_STATEMENT_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "service/domain/message_log.h"
#include "service/postgres/known_heads.h"
#include "service/postgres/run_numbers.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {

/// The publishes of one group as parameters of `append_messages`, or of `append_message` if it is one new
/// command to a run whose number is known. Run() throws what pqxx throws.
class AppendStatement {
 public:
  /// `numbers` outlives it.
  AppendStatement(absl::Span<const NewMessage* const> publishes, const std::function<int64_t()>& make_nonce,
                  RunNumbers& numbers, const KnownHeads& heads);

  /// Sends it and fills `outcome.appended` and `outcome.changes`. Places of `outcome.appended` that
  /// are repeats keep a null message; `repeats` tells where they are stored.
  struct Repeat {
    size_t item;
    int64_t run_no;
    int64_t sequence;
  };
  void Run(Transaction& transaction, int64_t max_pending, GroupOutcome& outcome,
           std::vector<Repeat>& repeats) const;

  const std::string& ids() const { return ids_; }
  const std::string& projects() const { return projects_; }
  const std::string& ranks() const { return ranks_; }

 private:
  // The run of a publish that is sent alone.
  struct KnownRun {
    int64_t run_no;
    Position head;
  };

  void PlaceInRuns(const KnownHeads& heads);
  void WriteItems();
  pqxx::result Send(Transaction& transaction, int64_t max_pending) const;
  pqxx::result SendAlone(Transaction& transaction, int64_t max_pending, const KnownRun& run) const;
  void ReadByRun(const pqxx::result& rows, GroupOutcome& outcome) const;
  void ReadByItem(const pqxx::result& rows, int64_t max_pending, GroupOutcome& outcome,
                  std::vector<Repeat>& repeats) const;

  // Where a publish stands: in which of the distinct runs, and as which of those to it; both from 1.
  struct Place {
    int64_t run;
    int64_t in_run;
  };

  absl::Span<const NewMessage* const> publishes_;
  RunNumbers& numbers_;
  std::vector<int64_t> nonces_;
  std::vector<Place> places_;
  std::optional<KnownRun> alone_;
  std::optional<std::string> run_nos_;  // null: the group is not of the usual kind
  bool all_known_ = true;               // whether `numbers_` had every run
  // One element for each distinct run. What is known of them is the newest only in `incarnation_`.
  std::string ids_, projects_, ranks_, known_sequences_, known_changes_, are_newest_;
  int64_t incarnation_ = 0;
  // One element for each publish. The bytes of all are in `content_`, at `begins_`.
  std::string places_in_run_, runs_, keys_, begins_, value_sizes_, request_id_sizes_, fingerprint_sizes_,
      kinds_, ttls_, reasons_, publishers_, nonce_literals_;
  std::string content_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_APPEND_STATEMENT_H

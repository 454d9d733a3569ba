#include "service/postgres/postgres_run_registry.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "service/postgres/array_literal.h"
#include "service/postgres/row_reader.h"
#include "service/postgres/run_lookup.h"
#include "service/postgres/statements.h"
#include "service/postgres/transaction.h"

namespace signalbox::service {
namespace {

// What create_run() says.
enum CreateVerdict { kCreated, kRepeat, kOtherContentOfRequest, kOtherContentOfId, kIdTaken };

// 10 characters of 32: a clash is a matter of luck, a row of them is a defect.
constexpr int kMaxIdAttempts = 5;

// What an ended run that is pruned between two statements is answered with: the next attempt will not
// find it at all.
absl::Status PrunedJustNow() { return absl::AbortedError("the run was pruned just now"); }

absl::StatusOr<Run> ReadRun(Transaction& transaction, int64_t run_no) {
  const pqxx::result rows = transaction.Exec(sql::kGetRun, run_no);
  if (rows.empty()) return PrunedJustNow();
  return RunFrom(rows[0]);
}

// A bytea parameter; empty means null.
std::string Bytea(const std::string& bytes) {
  return bytes.empty() ? "" : absl::StrCat("\\x", absl::BytesToHexString(bytes));
}

absl::StatusOr<Run> CreateOnce(ConnectionPool& pool, const NewRun& draft, const std::string& id) {
  const std::string labels = nlohmann::json(draft.labels).dump();
  return InTransaction(pool, [&](Transaction& transaction, int64_t) -> absl::StatusOr<Run> {
    const pqxx::row row = transaction.Exec1(sql::kCreateRun, draft.project, id, draft.id.empty(), draft.title,
                                            labels, Bytea(draft.request_id), Bytea(draft.fingerprint));
    switch (static_cast<CreateVerdict>(row[0].as<int>())) {
      case kOtherContentOfRequest:
        return absl::AlreadyExistsError("request_id was used before in this project, with other content");
      case kOtherContentOfId:
        return absl::AlreadyExistsError(
            absl::StrCat("run_id: run '", id, "' exists already, with other content"));
      case kIdTaken:
        return absl::AbortedError("the id is taken");
      case kCreated:
      case kRepeat:
        break;
    }
    return ReadRun(transaction, row[1].as<int64_t>());
  });
}

}  // namespace

absl::StatusOr<Run> PostgresRunRegistry::Create(const NewRun& draft) {
  if (!draft.id.empty()) return CreateOnce(pool_, draft, draft.id);
  absl::StatusOr<Run> run = absl::InternalError("no free run id found");
  for (int attempt = 0; attempt < kMaxIdAttempts; ++attempt) {
    run = CreateOnce(pool_, draft, make_run_id_());
    if (!absl::IsAborted(run.status())) return run;
  }
  return run;
}

absl::StatusOr<Run> PostgresRunRegistry::Get(const RunRef& run) {
  return InStatement(pool_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<Run> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, run, epoch);
    if (!info.ok()) return info.status();
    return ReadRun(transaction, info->run_no);
  });
}

absl::StatusOr<RunPage> PostgresRunRegistry::List(const RunQuery& query) {
  const int64_t before = query.before_run_no > 0 ? query.before_run_no : std::numeric_limits<int64_t>::max();
  const std::string labels = nlohmann::json(query.labels).dump();
  return InStatement(pool_, [&](Transaction& transaction, int64_t) -> absl::StatusOr<RunPage> {
    RunPage page;
    for (const pqxx::row& row : transaction.Exec(sql::kListRuns, before, query.project,
                                                 static_cast<int>(query.state), labels, query.limit + 1)) {
      page.runs.push_back(RunFrom(row));
    }
    page.more = page.runs.size() > static_cast<size_t>(query.limit);
    if (page.more) page.runs.pop_back();
    return page;
  });
}

absl::StatusOr<EndedRun> PostgresRunRegistry::End(const RunRef& run, RunOutcome outcome) {
  return InTransaction(pool_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<EndedRun> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, run, epoch);
    if (!info.ok()) return info.status();
    const pqxx::result rows = transaction.Exec(sql::kEndRun, info->run_no, static_cast<int>(outcome));
    if (rows.empty()) return PrunedJustNow();
    EndedRun ended;
    ended.by_this_call = rows[0][0].as<bool>();
    absl::StatusOr<Run> now = ReadRun(transaction, info->run_no);
    if (!now.ok()) return now.status();
    ended.run = *std::move(now);
    return ended;
  });
}

absl::StatusOr<Run> PostgresRunRegistry::DeclareKeys(const RunRef& run,
                                                     const std::vector<KeyDeclaration>& keys) {
  ArrayLiteral names, kinds, descriptions;
  for (const KeyDeclaration& key : keys) {
    names.AddText(key.key);
    kinds.Add(static_cast<int64_t>(key.kind));
    descriptions.AddText(key.description);
  }
  const std::string names_text = std::move(names).Finish();
  const std::string kinds_text = std::move(kinds).Finish();
  const std::string descriptions_text = std::move(descriptions).Finish();
  return InTransaction(pool_, [&](Transaction& transaction, int64_t epoch) -> absl::StatusOr<Run> {
    const absl::StatusOr<RunInfo> info = LookUpRun(transaction, run, epoch);
    if (!info.ok()) return info.status();
    const auto verdict = transaction
                             .Exec1(sql::kDeclareKeys, info->run_no, names_text, kinds_text,
                                    descriptions_text, max_declared_keys_)[0]
                             .as<int>();
    if (verdict == 1) return PrunedJustNow();
    if (verdict == 2) return absl::FailedPreconditionError(absl::StrCat("run '", info->id, "' is ENDED"));
    if (verdict == 3) {
      return absl::ResourceExhaustedError(absl::StrCat("run '", info->id, "' would declare more than ",
                                                       max_declared_keys_, " keys, which is the limit"));
    }
    return ReadRun(transaction, info->run_no);
  });
}

}  // namespace signalbox::service

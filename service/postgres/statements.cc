#include "service/postgres/statements.h"

#include <pqxx/pqxx>
#include <string>

namespace signalbox::service {
namespace sql {

const char kReadEpoch[] = R"(
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
         || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '/'
         || (SELECT oid FROM pg_database WHERE datname = current_database()),
         current_setting('server_encoding'), current_setting('fsync'),
         current_setting('full_page_writes'), current_setting('synchronous_commit'))";

}  // namespace sql

namespace {

struct Statement {
  const char* name;
  std::string text;
};

// Instants travel as microseconds since the epoch.
std::string Micros(const std::string& column) {
  return "(extract(epoch FROM " + column + ") * 1000000)::bigint AS " + column.substr(column.rfind('.') + 1);
}

// Columns of a message of table alias `m` as MessageFromRow() reads them; `m` may be a composite
// such as (x.message). The state is the one readers see now.
std::string MessageColumns(const std::string& m) {
  return m + ".run_no, " + m + ".sequence, " + m + ".nonce, " + m + ".change, " + Micros(m + ".create_time") +
         ", " + Micros(m + ".expire_time") + ", " + Micros(m + ".ack_time") + ", " + "CASE WHEN " + m +
         ".state = 1 AND " + m + ".expire_time <= clock_timestamp() THEN " + "(extract(epoch FROM " + m +
         ".expire_time) * 1000000)::bigint ELSE " + "(extract(epoch FROM " + m +
         ".finish_time) * 1000000)::bigint END AS finish_time, " + m + ".step, " + m +
         ".kind, signalbox.state_at(" + m + ".state, " + m + ".expire_time, clock_timestamp()) AS state, " +
         m + ".key, " + m + ".value, " + m + ".publisher, " + m + ".reason, " + m + ".consumer, " + m +
         ".reply, " + m + ".error";
}

// A run with its counts and keys; `$pending` is counted, which is at most the limit of a run.
const char kRunColumns[] = R"(
  r.run_no, r.id, p.name AS project, r.rank, r.title, r.labels, r.outcome,
  (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_time,
  (extract(epoch FROM r.end_time) * 1000000)::bigint AS end_time,
  signalbox.head_sequence(r.run_no, r.pruned_sequence) AS head_sequence,
  (SELECT count(*) FROM signalbox.messages m
    WHERE m.run_no = r.run_no AND m.change IS NULL
      AND (m.expire_time IS NULL OR m.expire_time > clock_timestamp())) AS pending_count,
  (SELECT json_agg(json_build_array(d.key, d.kind, d.description) ORDER BY d.key)
     FROM signalbox.declared_keys d WHERE d.run_no = r.run_no) AS keys)";

const char kNotExpired[] = "(m.expire_time IS NULL OR m.expire_time > clock_timestamp())";

std::vector<Statement> WriteStatements() {
  return {
      {sql::kLockGroup,
       "SELECT signalbox.lock_runs(signalbox.resolve_runs($1::text[], $2::text[], $3::bigint[]) || "
       "$4::bigint[])"},
      {sql::kAppendMessages,
       "SELECT outcome, run_no, run_id, head_sequence, head_change, sequence, kind, state, change, " +
           Micros("create_time") + ", " + Micros("expire_time") +
           ", superseded_sequence, superseded_nonce, superseded_change, " + Micros("run_end_time") + " FROM "
           "signalbox.append_messages($1::text[], $2::text[], $3::bigint[], $4, $5::int[], $6::text[], "
           "$7::bytea[], $8::smallint[], $9::bytea[], $10::bytea[], $11::bigint[], $12::text[], $13::text[], "
           "$14::bigint[])"},
      {sql::kAckMessages,
       "SELECT a.head_sequence, a.head_change, a.run_id, " + MessageColumns("(a.message)") +
           " FROM signalbox.ack_messages($1::bigint[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], "
           "$6::text[], $7::smallint[], $8::bytea[], $9::text[], $10::bigint[]) a ORDER BY a.item"},
      {sql::kCancelMessage, "SELECT a.outcome, a.head_sequence, a.head_change, a.run_id, " +
                                MessageColumns("(a.message)") +
                                " FROM signalbox.cancel_message($1, $2, $3, $4) a"},
      {sql::kExpireMessages, "SELECT * FROM signalbox.expire_messages($1)"},
      {sql::kCreateRun,
       "SELECT outcome, run_no FROM signalbox.create_run($1, $2, $3, $4, $5::jsonb, "
       "nullif($6::text, '')::bytea, nullif($7::text, '')::bytea)"},
      {sql::kEndRun, "SELECT * FROM signalbox.end_run($1, $2)"},
      {sql::kDeclareKeys, "SELECT signalbox.declare_keys($1, $2::text[], $3::smallint[], $4::text[], $5)"},
  };
}

std::vector<Statement> ReadStatements() {
  // One row at least when the run exists: its head beside nulls. Sizes are summed before the values
  // are fetched; the first row always fits.
  const std::string page_filter =
      "m.change IS NULL AND m.sequence > $2 AND ($3::bigint = 0 OR m.sequence <= $3) AND " +
      std::string(kNotExpired) + " AND (cardinality($4::text[]) = 0 OR m.key = ANY ($4::text[]))";
  return {
      {sql::kFindRunById, "SELECT run_no, id FROM signalbox.runs WHERE id = $1"},
      {sql::kFindRunByRank,
       "SELECT r.run_no, r.id FROM signalbox.runs r JOIN signalbox.projects p USING (project_no) WHERE "
       "p.name = "
       "$1 AND r.rank = $2"},
      {sql::kReadPending,
       "SELECT (SELECT count(*) FROM signalbox.messages m WHERE m.run_no = $1 AND m.change IS NULL AND m.key "
       "= "
       "$2 AND " +
           std::string(kNotExpired) + ") AS pending, " + MessageColumns("m") +
           " FROM signalbox.messages m WHERE m.run_no = $1 AND m.change IS NULL AND m.key = $2 AND " +
           kNotExpired + " ORDER BY m.sequence LIMIT 1"},
      {sql::kListPending,
       "SELECT signalbox.head_sequence(r.run_no, r.pruned_sequence) AS head_sequence, "
       "signalbox.head_change(r.run_no, r.pruned_change) AS head_change, m.more, " +
           MessageColumns("m") +
           " FROM signalbox.runs r LEFT JOIN LATERAL (SELECT * FROM (SELECT m.*, "
           "sum(octet_length(m.value)) OVER (ORDER BY m.sequence) - octet_length(m.value) AS before, "
           "lead(true) OVER (ORDER BY m.sequence) AS more FROM (SELECT * FROM signalbox.messages m WHERE "
           "m.run_no = $1 AND " +
           page_filter +
           " ORDER BY m.sequence LIMIT $5 + 1) m) m WHERE m.before < $6 ORDER BY m.sequence LIMIT $5) m ON "
           "true "
           "WHERE r.run_no = $1 ORDER BY m.sequence"},
      {sql::kListHistory,
       "SELECT m.more, " + MessageColumns("m") +
           " FROM (SELECT m.*, sum(octet_length(m.value) + coalesce(octet_length(m.reply), 0)) "
           "OVER (ORDER BY m.sequence DESC) - octet_length(m.value) - coalesce(octet_length(m.reply), 0) AS "
           "before, lead(true) OVER (ORDER BY m.sequence DESC) AS more FROM (SELECT * FROM "
           "signalbox.messages m "
           "WHERE m.run_no = $1 AND m.sequence < $2 AND (cardinality($3::text[]) = 0 OR m.key = ANY "
           "($3::text[])) AND (cardinality($4::smallint[]) = 0 OR signalbox.state_at(m.state, m.expire_time, "
           "clock_timestamp()) = ANY ($4::smallint[])) ORDER BY m.sequence DESC LIMIT $5 + 1) m) m WHERE "
           "m.before < $6 ORDER BY m.sequence DESC LIMIT $5"},
      {sql::kReadMessages,
       "SELECT r.id AS run_id, " + MessageColumns("m") +
           " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) t(run_no, sequence, nonce) JOIN "
           "signalbox.messages m ON m.run_no = t.run_no AND m.sequence = t.sequence AND m.nonce = t.nonce "
           "JOIN "
           "signalbox.runs r ON r.run_no = m.run_no"},
      {sql::kReadRepeat, "SELECT r.id AS run_id, m.supersedes_sequence, m.supersedes_nonce, " +
                             MessageColumns("m") +
                             " FROM signalbox.messages m JOIN signalbox.runs r USING (run_no) WHERE m.run_no "
                             "= $1 AND m.sequence = "
                             "$2"},
      {sql::kReadChanges,
       // One statement, one snapshot: head, withdrawals of what was seen, then what is pending.
       "SELECT h.*, x.* FROM (SELECT r.id AS run_id, r.outcome, r.end_time IS NOT NULL AS ended, "
       "r.pruned_sequence, r.pruned_change, "
       "signalbox.head_sequence(r.run_no, r.pruned_sequence) AS head_sequence, "
       "signalbox.head_change(r.run_no, r.pruned_change) AS head_change "
       "FROM signalbox.runs r WHERE r.run_no = $1) h LEFT JOIN LATERAL ("
       "(SELECT 1 AS part, NULL::boolean AS more, " +
           MessageColumns("m") +
           " FROM signalbox.messages m WHERE m.run_no = $1 AND m.change > $3 AND m.sequence <= $2 AND "
           "m.state <> 8 AND NOT h.ended ORDER BY m.change LIMIT $4 + 1) UNION ALL "
           "(SELECT 2 AS part, m.more, " +
           MessageColumns("m") +
           " FROM (SELECT m.*, sum(octet_length(m.value)) OVER (ORDER BY m.sequence) - octet_length(m.value) "
           "AS "
           "before, lead(true) OVER (ORDER BY m.sequence) AS more FROM (SELECT * FROM signalbox.messages m "
           "WHERE m.run_no = $1 AND m.change IS NULL AND "
           "m.sequence > $2 AND NOT h.ended ORDER BY m.sequence LIMIT $4 + 1) m) m WHERE m.before < $5 ORDER "
           "BY "
           "m.sequence LIMIT $4)) x ON true ORDER BY x.part, CASE x.part WHEN 1 THEN x.change ELSE "
           "x.sequence END"},
      {sql::kReadHeads,
       "SELECT r.run_no, signalbox.head_sequence(r.run_no, r.pruned_sequence), "
       "signalbox.head_change(r.run_no, r.pruned_change), r.end_time IS NOT NULL FROM unnest($1::bigint[]) "
       "t(run_no) JOIN signalbox.runs r ON r.run_no = t.run_no"},
      {sql::kGetRun,
       std::string("SELECT ") + kRunColumns +
           " FROM signalbox.runs r JOIN signalbox.projects p USING (project_no) WHERE r.run_no = $1"},
      {sql::kListRuns,
       std::string("SELECT ") + kRunColumns +
           " FROM signalbox.runs r JOIN signalbox.projects p USING (project_no) WHERE r.run_no < $1 "
           "AND ($2 = '' OR p.name = $2) AND ($3 = 0 OR ($3 = 1) = (r.end_time IS NULL)) AND "
           "r.labels @> $4::jsonb ORDER BY r.run_no DESC LIMIT $5"},
  };
}

}  // namespace

void PrepareStatements(pqxx::connection& connection) {
  for (const Statement& statement : WriteStatements()) connection.prepare(statement.name, statement.text);
  for (const Statement& statement : ReadStatements()) connection.prepare(statement.name, statement.text);
}

}  // namespace signalbox::service

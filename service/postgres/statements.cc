#include "service/postgres/statements.h"

#include <pqxx/pqxx>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace signalbox::service {
namespace sql {

// A timeline is 32 bits in hexadecimal, of which the highest is never used.
const char kReadHistory[] = R"(
  SELECT cluster, timeline, start_time, ('x' || timeline)::bit(32)::int AS timeline_number, database,
         current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
         current_setting('full_page_writes') AS full_page_writes,
         current_setting('synchronous_commit') AS synchronous_commit
    FROM (SELECT (SELECT system_identifier FROM pg_control_system()) AS cluster,
                 substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
                 extract(epoch FROM pg_postmaster_start_time()) AS start_time,
                 (SELECT oid FROM pg_database WHERE datname = current_database()) AS database) AS history)";

// Its tail is left as it is: to cut it off, a vacuum locks everybody out.
const char kVacuum[] = "VACUUM (TRUNCATE false) ";

// The pace of an autovacuum. Settings that this version of Postgres does not have are left out.
const char kSetPaceOfVacuum[] = R"(
  SELECT set_config(name, value, false)
    FROM (VALUES ('vacuum_cost_delay', '2ms'), ('max_parallel_maintenance_workers', '0'),
                 ('client_connection_check_interval', '1s')) AS wanted(name, value)
    JOIN pg_settings USING (name))";

}  // namespace sql

namespace {

// Columns of a message of alias `m` as MessageFrom() reads them. Instants travel as microseconds since
// the epoch; the state is the one readers see now. date_part() is a double, which costs less than the
// numeric of extract(), and is exact to the microsecond until 2106; a message may expire after that.
constexpr char kMessageColumns[] = R"(
  $m.run_no, $m.sequence, $m.nonce, $m.change, $m.key, $m.value, $m.kind, $m.publisher, $m.reason,
  $m.consumer, $m.reply, $m.error, $m.step,
  signalbox.state_at($m.state, $m.expire_time, clock_timestamp()) AS state,
  (date_part('epoch', $m.create_time) * 1000000)::bigint AS create_time,
  (extract(epoch FROM $m.expire_time) * 1000000)::bigint AS expire_time,
  (date_part('epoch', $m.ack_time) * 1000000)::bigint AS ack_time,
  (date_part('epoch', CASE WHEN $m.state = 1 AND $m.expire_time <= clock_timestamp() THEN $m.expire_time
                           ELSE $m.finish_time END) * 1000000)::bigint AS finish_time)";

// A run of alias `r` and its project `p`, as RunFrom() reads it.
constexpr char kRunColumns[] = R"(
  r.run_no, r.id, p.name AS project, r.rank, r.title, r.labels, r.outcome,
  (extract(epoch FROM r.create_time) * 1000000)::bigint AS create_time,
  (extract(epoch FROM r.end_time) * 1000000)::bigint AS end_time,
  coalesce(newest.sequence, r.pruned_sequence) AS head_sequence,
  (SELECT count(*) FROM signalbox.messages m WHERE m.run_no = r.run_no AND $pending) AS pending_count,
  (SELECT json_agg(json_build_array(d.key, d.kind, d.description) ORDER BY d.key)
     FROM signalbox.declared_keys d WHERE d.run_no = r.run_no) AS keys)";

// Where the run of alias `r` is, to be joined to it: one probe of an index each, and not the functions
// of the schema, whose calls cost more. Nothing up to the floors is looked at.
constexpr char kNewest[] = R"(
  LEFT JOIN LATERAL (SELECT m.sequence, m.nonce FROM signalbox.messages m
                      WHERE m.run_no = r.run_no AND m.sequence > $sequence_floor
                      ORDER BY m.run_no DESC, m.sequence DESC LIMIT 1) newest ON true
  LEFT JOIN LATERAL (SELECT m.change FROM signalbox.messages m
                      WHERE m.run_no = r.run_no AND m.change > $change_floor
                      ORDER BY m.run_no DESC, m.change DESC LIMIT 1) left_last ON true)";

std::string Newest(const char* sequence_floor, const char* change_floor) {
  return absl::StrReplaceAll(kNewest, {{"$sequence_floor", sequence_floor}, {"$change_floor", change_floor}});
}

// The same of a run that `t` may know: a probe reads every entry of its page above the floor, so the
// floor is just below what is known. Where the run is further back, as after a restore, its head is taken
// for the pruned one: a cursor from there shows more than is new, and misses nothing.
std::string NewestSinceKnown() {
  return Newest("greatest(r.pruned_sequence, CASE WHEN r.run_no = t.known_run THEN t.known_sequence - 1 END)",
                "greatest(r.pruned_change, CASE WHEN r.run_no = t.known_run THEN t.known_change - 1 END)");
}

// The columns of that. The mark is null when its message was pruned, or there is none.
constexpr char kHead[] = R"(
  coalesce(newest.sequence, r.pruned_sequence) AS head_sequence,
  greatest(r.pruned_change, left_last.change) AS head_change, newest.nonce AS head_mark)";

constexpr char kPending[] =
    "m.change IS NULL AND (m.expire_time IS NULL OR m.expire_time > clock_timestamp())";

// What an append tells of an item, or of a run.
constexpr char kAppendedColumns[] = R"(
  item, outcome, run_no, run_id, head_sequence, head_change, sequence, kind, state, change,
  (date_part('epoch', create_time) * 1000000)::bigint AS create_time,
  (extract(epoch FROM expire_time) * 1000000)::bigint AS expire_time,
  (extract(epoch FROM run_end_time) * 1000000)::bigint AS run_end_time,
  superseded_sequence, superseded_nonce, superseded_change)";

std::string MessageColumns(const std::string& alias) {
  return absl::StrReplaceAll(kMessageColumns, {{"$m", alias}});
}

// A statement with its abbreviations written out.
std::string Expand(const char* text) {
  const std::string run = absl::StrReplaceAll(kRunColumns, {{"$pending", kPending}});
  return absl::StrReplaceAll(text, {{"$message", MessageColumns("m")},
                                    {"$acked_message", MessageColumns("(a.message)")},
                                    {"$appended", kAppendedColumns},
                                    {"$run", run},
                                    {"$head", kHead},
                                    {"$newest", Newest("r.pruned_sequence", "r.pruned_change")},
                                    {"$since_known_newest", NewestSinceKnown()},
                                    {"$pending", kPending}});
}

using Statements = std::vector<std::pair<const char*, const char*>>;

const Statements& Writes() {
  static const auto* const kStatements = new Statements{
      {sql::kLockGroup, R"(
        SELECT signalbox.lock_runs(signalbox.resolve_runs($1::text[], $2::text[], $3::bigint[]) || $4::bigint[]))"},
      {sql::kAppendMessages, R"(
        SELECT $appended
          FROM signalbox.append_group($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[], $5::int[], $6::text[],
                 $7::text[], $8::bigint[], $9, $10::int[], $11::text[], $12::bytea, $13::int[], $14::int[],
                 $15::int[], $16::int[], $17::smallint[], $18::bigint[], $19::text[], $20::text[], $21::bigint[]))"},
      {sql::kAppendMessage, R"(
        SELECT $appended
          FROM signalbox.append_message($1, $2, $3, $4, $5, $6, $7, $8, nullif($9::bytea, ''),
                 CASE WHEN $9::bytea <> '' THEN $10::bytea END, $11, $12, $13, $14))"},
      {sql::kAckMessages, R"(
        SELECT a.item, a.head_sequence, a.head_change, a.run_id, $acked_message
          FROM signalbox.ack_group($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::int[],
                 $7::bigint[], $8::bigint[], $9::text[], $10::smallint[], $11::bytea[], $12::text[],
                 $13::bigint[]) a)"},
      {sql::kAckMessage, R"(
        SELECT a.item, a.head_sequence, a.head_change, a.run_id, $acked_message
          FROM signalbox.ack_message($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN $9::bytea END, $10, $11) a)"},
      {sql::kCancelMessage, R"(
        SELECT a.outcome, a.head_sequence, a.head_change, a.run_id, $acked_message
          FROM signalbox.cancel_message($1, $2, $3, $4) a)"},
      {sql::kExpireMessages, "SELECT * FROM signalbox.expire_messages($1)"},
      {sql::kCreateRun, R"(
        SELECT outcome, run_no
          FROM signalbox.create_run($1, $2, $3, $4, $5::jsonb, nullif($6::text, '')::bytea,
                                    nullif($7::text, '')::bytea))"},
      {sql::kEndRun, "SELECT * FROM signalbox.end_run($1, $2)"},
      {sql::kDeclareKeys, "SELECT signalbox.declare_keys($1, $2::text[], $3::smallint[], $4::text[], $5)"},
  };
  return *kStatements;
}

// Ages are in microseconds. now() and not clock_timestamp(), which no index can be searched for.
const Statements& Pruning() {
  static const auto* const kStatements = new Statements{
      {sql::kFindEndedRuns, R"(
        SELECT r.run_no FROM signalbox.runs r
         WHERE r.end_time <= now() - $1::bigint * interval '1 microsecond' ORDER BY r.end_time LIMIT $2)"},
      // Sequences have no gap, so the first message of a run is the one after its floor.
      {sql::kFindDueRuns, R"(
        SELECT r.run_no, coalesce((SELECT m.finish_time <= now() - $1::bigint * interval '1 microsecond'
                                     FROM signalbox.messages m
                                    WHERE m.run_no = r.run_no AND m.sequence = r.pruned_sequence + 1), false)
          FROM (SELECT r.run_no, r.pruned_sequence FROM signalbox.runs r
                 WHERE r.end_time IS NULL AND r.run_no > $2 ORDER BY r.run_no LIMIT $3) r
         ORDER BY r.run_no)"},
      {sql::kPruneRun, R"(
        SELECT signalbox.prune_run($1, $2::bigint * interval '1 microsecond',
                                   $3::bigint * interval '1 microsecond', $4, $5))"},
  };
  return *kStatements;
}

// OFFSET 0 keeps the head from being looked up again for each row. In a page, `before` sums the sizes of the
// rows in front, so that no value is fetched in vain, and `more` tells whether another row follows. The first
// row is always in.
const Statements& PendingReads() {
  static const auto* const kStatements = new Statements{
      // One row at least, for the time. Of a run that is as the reader knows it ($4-$7) nothing else; of
      // another one row at least: where it is, beside nulls.
      {sql::kReadSnapshots, R"(
        WITH t AS MATERIALIZED (
          SELECT t.*
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
                 WITH ORDINALITY t(id, project, rank, known_run, known_sequence, known_change, known_mark, item)
           WHERE NOT EXISTS (
             SELECT FROM signalbox.runs r $since_known_newest
              WHERE r.run_no = t.known_run
                AND (r.id = t.id
                     OR r.rank = t.rank
                        AND (SELECT p.name FROM signalbox.projects p WHERE p.project_no = r.project_no) = t.project)
                AND coalesce(newest.sequence, r.pruned_sequence) = t.known_sequence
                AND greatest(r.pruned_change, left_last.change) = t.known_change
                AND coalesce(newest.nonce, 0) = t.known_mark))
        SELECT t.item, h.*, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now, m.more, $message
          FROM (SELECT) the_time LEFT JOIN t ON true
          LEFT JOIN LATERAL (
            SELECT r.run_no AS of_run, r.id AS run_id, $head
              FROM (SELECT r.* FROM signalbox.runs r WHERE r.id = t.id
                    UNION ALL
                    SELECT r.* FROM signalbox.projects p JOIN signalbox.runs r USING (project_no)
                     WHERE p.name = t.project AND r.rank = t.rank) r $since_known_newest
            OFFSET 0) h ON true
          LEFT JOIN LATERAL (
            SELECT * FROM (
              SELECT m.*, lead(true) OVER (ORDER BY m.sequence) AS more,
                     sum(octet_length(m.value)) OVER (ORDER BY m.sequence) - octet_length(m.value) AS before
                FROM (SELECT * FROM signalbox.messages m
                       WHERE m.run_no = h.of_run AND m.change IS NULL
                       ORDER BY m.sequence LIMIT $8 + 1) m) m
             WHERE m.before < $9
             ORDER BY m.sequence LIMIT $8) m ON true
         ORDER BY t.item, m.sequence)"},
      {sql::kReadPending, R"(
        SELECT (SELECT count(*) FROM signalbox.messages m
                 WHERE m.run_no = $1 AND m.key = $2 AND $pending) AS pending, $message
          FROM signalbox.messages m
         WHERE m.run_no = $1 AND m.key = $2 AND $pending
         ORDER BY m.sequence LIMIT 1)"},
      // One row at least: the head of the run beside nulls.
      {sql::kListPending, R"(
        SELECT h.*, m.more, $message
          FROM (SELECT $head FROM signalbox.runs r $newest WHERE r.run_no = $1 OFFSET 0) h
          LEFT JOIN LATERAL (
            SELECT * FROM (
              SELECT m.*, lead(true) OVER (ORDER BY m.sequence) AS more,
                     sum(octet_length(m.value)) OVER (ORDER BY m.sequence) - octet_length(m.value) AS before
                FROM (SELECT * FROM signalbox.messages m
                       WHERE m.run_no = $1 AND m.sequence > $2 AND ($3::bigint = 0 OR m.sequence <= $3)
                         AND (cardinality($4::text[]) = 0 OR m.key = ANY ($4::text[])) AND $pending
                       ORDER BY m.sequence LIMIT $5 + 1) m) m
             WHERE m.before < $6
             ORDER BY m.sequence LIMIT $5) m ON true
         ORDER BY m.sequence)"},
  };
  return *kStatements;
}

const Statements& HistoryReads() {
  static const auto* const kStatements = new Statements{
      {sql::kListHistory, R"(
        SELECT m.more, $message
          FROM (SELECT m.*, lead(true) OVER newest_first AS more,
                       sum(octet_length(m.value) + coalesce(octet_length(m.reply), 0)) OVER newest_first
                       - octet_length(m.value) - coalesce(octet_length(m.reply), 0) AS before
                  FROM (SELECT * FROM signalbox.messages m
                         WHERE m.run_no = $1 AND m.sequence < $2
                           AND (cardinality($3::text[]) = 0 OR m.key = ANY ($3::text[]))
                           AND (cardinality($4::smallint[]) = 0
                                OR signalbox.state_at(m.state, m.expire_time, clock_timestamp())
                                   = ANY ($4::smallint[]))
                         ORDER BY m.sequence DESC LIMIT $5 + 1) m
                WINDOW newest_first AS (ORDER BY m.sequence DESC)) m
         WHERE m.before < $6
         ORDER BY m.sequence DESC LIMIT $5)"},
      {sql::kReadMessages, R"(
        SELECT r.id AS run_id, $message
          FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) t(run_no, sequence, nonce)
          JOIN signalbox.messages m ON m.run_no = t.run_no AND m.sequence = t.sequence AND m.nonce = t.nonce
          JOIN signalbox.runs r ON r.run_no = m.run_no)"},
      {sql::kReadRepeat, R"(
        SELECT r.id AS run_id, m.supersedes_sequence, m.supersedes_nonce, $message
          FROM signalbox.messages m JOIN signalbox.runs r USING (run_no)
         WHERE m.run_no = $1 AND m.sequence = $2)"},
  };
  return *kStatements;
}

const Statements& FeedReads() {
  static const auto* const kStatements = new Statements{
      // One statement, one snapshot: the head, the withdrawals of what was seen (part 1), then what is
      // pending, also what has expired unnoticed (part 2).
      {sql::kReadChanges, R"(
        SELECT h.*, x.*
          FROM (SELECT r.id AS run_id, r.outcome, r.end_time IS NOT NULL AS ended, r.pruned_sequence,
                       r.pruned_change, $head,
                       (SELECT m.nonce FROM signalbox.messages m
                         WHERE m.run_no = r.run_no AND m.sequence = $2) AS from_mark
                  FROM signalbox.runs r $newest WHERE r.run_no = $1 OFFSET 0) h
          LEFT JOIN LATERAL (
            (SELECT 1 AS part, NULL::boolean AS more, $message
               FROM signalbox.messages m
              WHERE $2::bigint > 0 AND m.run_no = $1 AND m.change > $3 AND m.sequence <= $2 AND m.state <> 8
                AND NOT h.ended
              ORDER BY m.change LIMIT $4 + 1)
            UNION ALL
            (SELECT 2 AS part, m.more, $message
               FROM (SELECT m.*, lead(true) OVER (ORDER BY m.sequence) AS more,
                            sum(octet_length(m.value)) OVER (ORDER BY m.sequence) - octet_length(m.value) AS before
                       FROM (SELECT * FROM signalbox.messages m
                              WHERE m.run_no = $1 AND m.change IS NULL AND m.sequence > $2 AND NOT h.ended
                              ORDER BY m.sequence LIMIT $4 + 1) m) m
              WHERE m.before < $5
              ORDER BY m.sequence LIMIT $4)) x ON true
         ORDER BY x.part, CASE x.part WHEN 1 THEN x.change ELSE x.sequence END)"},
      {sql::kReadHeads, R"(
        SELECT r.run_no, coalesce(newest.sequence, r.pruned_sequence),
               greatest(r.pruned_change, left_last.change), r.end_time IS NOT NULL
          FROM unnest($1::bigint[]) t(run_no) JOIN signalbox.runs r ON r.run_no = t.run_no $newest)"},
  };
  return *kStatements;
}

const Statements& RunReads() {
  static const auto* const kStatements = new Statements{
      {sql::kFindRunById, "SELECT run_no, id FROM signalbox.runs WHERE id = $1"},
      {sql::kFindRunByRank, R"(
        SELECT r.run_no, r.id FROM signalbox.runs r JOIN signalbox.projects p USING (project_no)
         WHERE p.name = $1 AND r.rank = $2)"},
      {sql::kGetRun, R"(
        SELECT $run FROM signalbox.runs r JOIN signalbox.projects p USING (project_no) $newest WHERE r.run_no = $1)"},
      {sql::kListRuns, R"(
        SELECT $run
          FROM signalbox.runs r JOIN signalbox.projects p USING (project_no) $newest
         WHERE r.run_no < $1 AND ($2 = '' OR p.name = $2) AND ($3 = 0 OR ($3 = 1) = (r.end_time IS NULL))
           AND r.labels @> $4::jsonb
         ORDER BY r.run_no DESC LIMIT $5)"},
  };
  return *kStatements;
}

// Judged as autovacuum does, by the settings of the table or else of the server, but for the factor of two.
const Statements& Vacuuming() {
  static const auto* const kStatements = new Statements{
      {sql::kFindOverdueTables, R"(
        SELECT format('%I.%I', s.schemaname, s.relname), s.n_dead_tup, s.vacuum_count + s.autovacuum_count,
               extract(epoch FROM current_setting('autovacuum_naptime')::interval)
          FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
         CROSS JOIN LATERAL (
                SELECT coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold'),
                                current_setting('autovacuum_vacuum_threshold'))::float8 AS least,
                       coalesce(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor'),
                                current_setting('autovacuum_vacuum_scale_factor'))::float8 AS part
                  FROM pg_options_to_table(c.reloptions)) o
         WHERE s.schemaname = 'signalbox' AND s.n_dead_tup > 2 * (o.least + o.part * greatest(c.reltuples, 0)))"},
  };
  return *kStatements;
}

// All of them, ready to be sent.
const absl::flat_hash_map<std::string, std::string>& Texts() {
  static const auto* const kTexts = [] {
    auto* const texts = new absl::flat_hash_map<std::string, std::string>;
    for (const Statements& statements :
         {Writes(), Pruning(), PendingReads(), HistoryReads(), FeedReads(), RunReads(), Vacuuming()}) {
      for (const auto& [name, text] : statements) texts->emplace(name, Expand(text));
    }
    return texts;
  }();
  return *kTexts;
}

}  // namespace

const std::string& TextOf(const char* name) { return Texts().at(name); }

void PrepareStatements(pqxx::connection& connection) {
  for (const auto& [name, text] : Texts()) connection.prepare(name, text);
}

}  // namespace signalbox::service

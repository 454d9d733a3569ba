#ifndef SIGNALBOX_SERVICE_POSTGRES_STATEMENTS_H
#define SIGNALBOX_SERVICE_POSTGRES_STATEMENTS_H

#include <pqxx/connection>
#include <string>

// Every statement the server sends, by name. The functions they call are in migrations/.

namespace signalbox::service {

namespace sql {

// Names of prepared statements.
inline constexpr char kAppendMessages[] = "append_messages";
inline constexpr char kAckMessages[] = "ack_messages";
inline constexpr char kAppendMessage[] = "append_message";
inline constexpr char kAckMessage[] = "ack_message";
inline constexpr char kLockGroup[] = "lock_group";
inline constexpr char kCancelMessage[] = "cancel_message";
inline constexpr char kExpireMessages[] = "expire_messages";
inline constexpr char kFindEndedRuns[] = "find_ended_runs";
inline constexpr char kFindDueRuns[] = "find_due_runs";
inline constexpr char kPruneRun[] = "prune_run";
inline constexpr char kFindRunById[] = "find_run_by_id";
inline constexpr char kFindRunByRank[] = "find_run_by_rank";
inline constexpr char kReadSnapshots[] = "read_snapshots";
inline constexpr char kReadPending[] = "read_pending";
inline constexpr char kListPending[] = "list_pending";
inline constexpr char kListHistory[] = "list_history";
inline constexpr char kReadMessages[] = "read_messages";
inline constexpr char kReadRepeat[] = "read_repeat";
inline constexpr char kReadChanges[] = "read_changes";
inline constexpr char kReadHeads[] = "read_heads";
inline constexpr char kCreateRun[] = "create_run";
inline constexpr char kGetRun[] = "get_run";
inline constexpr char kListRuns[] = "list_runs";
inline constexpr char kEndRun[] = "end_run";
inline constexpr char kDeclareKeys[] = "declare_keys";
inline constexpr char kFindOverdueTables[] = "find_overdue_tables";

// Sent as text, outside of prepared statements.
extern const char kReadHistory[];
extern const char kVacuum[];  // to be followed by a table
extern const char kSetPaceOfVacuum[];

}  // namespace sql

/// The text of a statement by its name, one of the above.
const std::string& TextOf(const char* name);

/// Announces all statements to a new session; each is prepared when it is first used.
void PrepareStatements(pqxx::connection& connection);

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_STATEMENTS_H

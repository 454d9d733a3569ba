#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/postgres/connection_pool.h"
#include "service/postgres/statements.h"
#include "tests/integration/postgres_storage.h"
#include "tests/support/temp_database.h"

// What a statement costs must not depend on how long the history of a run is. Measured as pages of
// the database that it touches: a run with 200,000 finished messages has some 5,000 of them.

namespace signalbox::service {
namespace {

constexpr int kFinished = 200000;
constexpr int64_t kFewPages = 250;

struct Cost {
  const char* statement;
  const char* arguments;  // of EXECUTE; run 1 is the one with the long history
};

std::ostream& operator<<(std::ostream& out, const Cost& cost) { return out << cost.statement; }

class PlanTest : public testing::TestWithParam<Cost> {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<TempDatabase>();
    PostgresStorage storage(database_->Options(), 1000);
    ASSERT_TRUE(storage.runs().Create({.project = "p", .id = "long"}).ok());
    // No statistics: the plans must be good from the first minute on, not only after an ANALYZE.
    database_->Query("ALTER TABLE signalbox.messages SET (autovacuum_enabled = false)");
    MakePlansOfEmptyTables();
    database_->Query(
        absl::StrCat("INSERT INTO signalbox.messages (run_no, sequence, nonce, change, create_time, "
                     "finish_time, kind, state, "
                     "key, value, publisher, reason, request_id) SELECT 1, g, g, g, now(), now(), 1, 3, 'k', "
                     "'\\x00', '', '', "
                     "int8send(g) FROM generate_series(1, ",
                     kFinished, ") g"));
    ASSERT_TRUE(storage.runs().Create({.project = "p", .id = "full"}).ok());
    const NewMessage many = {.run = {.id = "full"}, .key = "k", .value = "v"};
    ASSERT_TRUE(storage.log().ApplyGroup(std::vector<const NewMessage*>(1000, &many), {}).ok());
    for (int i = 0; i < 3; ++i) {
      const NewMessage draft = {.run = {.id = "long"}, .key = "k", .value = "v"};
      const NewMessage* drafts[] = {&draft};
      ASSERT_TRUE(storage.log().ApplyGroup(drafts, {}).ok());
    }
    // So that the arguments below can name what is pending.
    database_->Query("UPDATE signalbox.messages SET nonce = sequence WHERE run_no = 1 AND change IS NULL");
  }
  static void TearDownTestSuite() {
    early_ = {};
    database_.reset();
  }

  // A session keeps its plans for as long as nobody analyzes the tables.
  static void MakePlansOfEmptyTables();

  static nlohmann::json Explain(const Cost& cost) {
    const absl::StatusOr<Connection> connection = OpenConnection(database_->Options());
    EXPECT_TRUE(connection.ok()) << connection.status();
    return Explain(cost, *connection);
  }
  static nlohmann::json Explain(const Cost& cost, const Connection& connection) {
    connection.raw->prepare_now(cost.statement);
    const auto explain = [&](const char* options) {
      pqxx::work transaction(*connection.raw);  // rolled back, or the second run would find all done
      return nlohmann::json::parse(transaction
                                       .exec1(absl::StrCat("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON", options,
                                                           ") EXECUTE ", cost.statement, cost.arguments))[0]
                                       .as<std::string>())[0]["Plan"];
    };
    explain("");  // the first run also reads the catalogs
    return explain("");
  }
  // One line a node: what it is, and how many pages it touched.
  static std::string Summary(const nlohmann::json& plan, const std::string& indent = "") {
    std::string text = absl::StrCat(indent, plan["Node Type"].get<std::string>(), " ",
                                    plan.value("Index Name", plan.value("Relation Name", "")), ": ",
                                    plan["Actual Rows"].get<int64_t>(), " rows, ", PagesOf(plan), " pages\n");
    if (!plan.contains("Plans")) return text;
    for (const nlohmann::json& child : plan["Plans"]) text += Summary(child, indent + "  ");
    return text;
  }
  static int64_t PagesOf(const nlohmann::json& plan) {
    return plan["Shared Hit Blocks"].get<int64_t>() + plan["Shared Read Blocks"].get<int64_t>();
  }

  static std::unique_ptr<TempDatabase> database_;
  static Connection early_;
};

std::unique_ptr<TempDatabase> PlanTest::database_;
Connection PlanTest::early_;

TEST_P(PlanTest, TouchesFewPages) {
  const nlohmann::json plan = Explain(GetParam());
  EXPECT_LT(PagesOf(plan), kFewPages) << Summary(plan);
}

TEST_P(PlanTest, TouchesFewPagesWithAPlanOfWhenTablesWereEmpty) {
  const nlohmann::json plan = Explain(GetParam(), early_);
  EXPECT_LT(PagesOf(plan), kFewPages) << Summary(plan);
}

TEST_P(PlanTest, TouchesFewPagesAlsoWithStatistics) {
  database_->Query("ANALYZE signalbox.messages");
  const nlohmann::json plan = Explain(GetParam());
  EXPECT_LT(PagesOf(plan), kFewPages) << Summary(plan);
}

const Cost kCosts[] = {
    // A new request id each time.
    {"append_messages",
     "('{1}', '{200003}', '{200000}', '{}', '{1,2}', '{long}', '{}', '{}', 1000, '{1,1}', '{a,b}', "
     "'\\x00' || uuid_send(gen_random_uuid()) || '\\x0200', '{1,19}', '{1,1}', '{16,NULL}', '{1,NULL}', "
     "'{}', '{}', '{}', '{}', '{7,8}')"},
    {"append_messages",
     "(NULL, '{}', '{}', '{}', '{1,2}', '{long}', '{NULL}', '{NULL}', 1000, '{1,1}', '{a,b}', "
     "'\\x00010200', '{1,4}', '{1,1}', '{1,NULL}', '{1,NULL}', '{1,2}', '{NULL,NULL}', '{x,y}', "
     "'{\"\",\"\"}', '{7,8}')"},
    {"ack_messages",
     "('{1}', '{}', '{}', '{1}', '{1}', '{0}', '{200001}', '{1}', '{w}', '{1}', '{NULL}', '{\"\"}', '{0}')"},
    {"ack_messages",
     "('{1}', '{200003}', '{200000}', '{1}', '{1}', '{0}', '{200001}', '{200001}', '{w}', '{1}', '{NULL}', "
     "'{\"\"}', '{0}')"},
    {"append_message",
     "(1, 200003, 200000, 'long', 1000, 'a', '\\x00', 0, uuid_send(gen_random_uuid()), '\\x02', 0, '', '', "
     "7)"},
    {"append_message", "(1, 0, 0, 'long', 1000, 'a', '\\x00', 0, '', '', 0, '', '', 7)"},
    {"append_message", "(1, 300000, 300000, 'long', 1000, 'a', '\\x00', 0, '', '', 0, '', '', 7)"},
    {"ack_message", "(1, 200003, 200000, 200001, 1, 'w', 1, false, '', '', 0)"},
    {"ack_message", "(1, 200003, 200000, 200001, 200001, 'w', 1, false, '', '', 0)"},
    {"cancel_message", "(1, 200001, 1, 'x')"},
    {"end_run", "(1, 1)"},
    {"expire_messages", "(1000)"},
    {"find_ended_runs", "(1, 100)"},
    {"find_due_runs", "(1, 0, 500)"},
    {"prune_run", "(1, 1, 1, 100, 1048576)"},
    {"read_pending", "(1, 'k')"},
    {"read_snapshots", "('{long}', '{NULL}', '{NULL}', '{0}', '{0}', '{0}', '{0}', 1000, 262144)"},
    {"read_snapshots", "('{NULL}', '{p}', '{1}', '{1}', '{200003}', '{200000}', '{0}', 1000, 262144)"},
    {"list_pending", "(1, 0, 0, '{}', 1000, 1048576)"},
    {"list_pending", "(1, 0, 200003, '{k,j}', 1000, 1048576)"},
    {"list_history", "(1, 9223372036854775807, '{}', '{}', 100, 1048576)"},
    {"list_history", "(1, 100000, '{}', '{}', 100, 1048576)"},
    {"read_messages", "('{1}', '{5000}', '{5000}')"},
    {"read_changes", "(1, 0, 0, 128, 65536)"},
    {"read_changes", "(1, 200001, 199900, 128, 65536)"},
    {"list_pending", "(2, 0, 0, '{}', 1000, 1048576)"},
    {"read_changes", "(2, 0, 0, 128, 65536)"},
    {"read_heads", "('{1}')"},
    {"get_run", "(1)"},
    {"list_runs", "(9223372036854775807, '', 0, '{}', 100)"},
};

void PlanTest::MakePlansOfEmptyTables() {
  absl::StatusOr<Connection> connection = OpenConnection(database_->Options());
  ASSERT_TRUE(connection.ok()) << connection.status();
  early_ = *std::move(connection);
  for (const Cost& cost : kCosts) Explain(cost, early_);
}

INSTANTIATE_TEST_SUITE_P(Statements, PlanTest, testing::ValuesIn(kCosts));

// A snapshot that somebody keeps open keeps the index entries of rows that are no longer pending, or no
// longer there. A publish that walked over them would take longer the longer it is kept.
TEST_F(PlanTest, APublishPassesOverWhatAnOldSnapshotKeeps) {
  const Cost append = {
      "append_messages",
      "(NULL, '{}', '{}', '{}', '{1,2}', '{busy}', '{NULL}', '{NULL}', 1000, '{1,1}', '{a,b}', "
      "'\\x0000', '{1,2}', '{1,1}', '{}', '{}', '{1,2}', '{NULL,NULL}', '{x,y}', '{\"\",\"\"}', '{7,8}')"};
  PostgresStorage storage(database_->Options(), 1000);
  const int64_t run_no = storage.runs().Create({.project = "p", .id = "busy"})->run_no;
  pqxx::connection holder(database_->Options().url);
  pqxx::transaction<pqxx::repeatable_read> snapshot(holder);
  snapshot.exec("SELECT txid_current()");
  database_->Query(
      absl::StrCat("INSERT INTO signalbox.messages (run_no, sequence, nonce, create_time, kind, state, key, "
                   "value, publisher, "
                   "reason) SELECT ",
                   run_no, ", g, g, now(), 2, 1, 'k' || g, '\\x00', '', '' FROM generate_series(1, 5000) g"));
  const std::string finish = absl::StrCat(
      "UPDATE signalbox.messages SET state = 3, change = sequence, finish_time = now() WHERE run_no = ",
      run_no);
  database_->Query(absl::StrCat(finish, " AND sequence < 5000"));
  nlohmann::json plan = Explain(append);
  EXPECT_LT(PagesOf(plan), kFewPages) << Summary(plan);
  database_->Query(absl::StrCat(finish, " AND sequence = 5000"));
  const Retention nothing = {.ended_runs = absl::Hours(1), .finished_messages = absl::ZeroDuration()};
  ASSERT_EQ(*storage.pruning().Prune(run_no, nothing, {.rows = 10000, .bytes = 1 << 20}), 5000);
  plan = Explain(append);
  EXPECT_LT(PagesOf(plan), kFewPages) << Summary(plan);
}

TEST_F(PlanTest, ListPendingUsesTheIndexOfWhatIsPending) {
  const std::string plan = Explain({"list_pending", "(1, 0, 0, '{}', 1000, 1048576)"}).dump();
  EXPECT_THAT(plan, testing::HasSubstr("messages_pending"));
}

}  // namespace
}  // namespace signalbox::service

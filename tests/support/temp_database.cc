#include "tests/support/temp_database.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <pqxx/pqxx>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "service/postgres/embedded_postgres.h"
#include "service/postgres/migrator.h"

namespace signalbox::service {
namespace {

constexpr char kTemplate[] = "migrated";

class Cluster final : public testing::Environment {
 public:
  void TearDown() override {
    postgres_.reset();
    if (folder_.empty()) return;
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string UrlOf(const std::string& database) {
    if (postgres_ == nullptr) Start();
    return absl::StrCat(postgres_->connection_string(), " dbname=", database);
  }
  std::string NewName() { return absl::StrCat("test_", ++count_); }

  std::string Query(const std::string& database, const std::string& sql) {
    pqxx::connection connection(UrlOf(database));
    pqxx::nontransaction session(connection);
    const pqxx::result rows = session.exec(sql);
    return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].as<std::string>();
  }

 private:
  void Start() {
    folder_ = (std::filesystem::temp_directory_path() / "signalbox-integration-XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("mkdtemp");
    EmbeddedPostgres::Options options;
    options.data_dir = folder_ + "/data";
    absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> postgres = EmbeddedPostgres::Start(options);
    if (!postgres.ok()) throw std::runtime_error(postgres.status().ToString());
    postgres_ = *std::move(postgres);
    // Copied for each test: making the schema anew would take longer.
    Query("postgres", absl::StrCat("CREATE DATABASE ", kTemplate));
    const absl::StatusOr<std::vector<int>> versions =
        Migrate({.url = UrlOf(kTemplate)}, EmbeddedMigrations());
    if (!versions.ok()) throw std::runtime_error(versions.status().ToString());
  }

  std::string folder_;
  std::unique_ptr<EmbeddedPostgres> postgres_;
  int count_ = 0;
};

// gtest owns it, and ends it before main() returns.
Cluster& TheCluster() {
  static auto* const cluster = static_cast<Cluster*>(testing::AddGlobalTestEnvironment(new Cluster));
  return *cluster;
}

// Environments must be known before the tests run.
[[maybe_unused]] const Cluster& registered = TheCluster();

}  // namespace

TempDatabase::TempDatabase(Schema schema) : name_(TheCluster().NewName()) {
  TheCluster().Query("postgres", absl::StrCat("CREATE DATABASE ", name_, " TEMPLATE ",
                                              schema == Schema::kCurrent ? kTemplate : "template1"));
}

TempDatabase::~TempDatabase() {
  try {
    TheCluster().Query("postgres", absl::StrCat("DROP DATABASE ", name_, " WITH (FORCE)"));
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

ConnectionOptions TempDatabase::Options(const std::string& application_name) const {
  return {.url = TheCluster().UrlOf(name_), .application_name = application_name};
}

std::string TempDatabase::Query(const std::string& sql) const { return TheCluster().Query(name_, sql); }

void TempDatabase::Replace() const {
  const std::string original = TheCluster().NewName();
  const auto query = [](const auto&... parts) { TheCluster().Query("postgres", absl::StrCat(parts...)); };
  query("ALTER DATABASE ", name_, " ALLOW_CONNECTIONS false");
  query("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = '", name_, "'");
  query("ALTER DATABASE ", name_, " RENAME TO ", original);
  query("CREATE DATABASE ", name_, " TEMPLATE ", original);
  query("DROP DATABASE ", original);
}

int TempDatabase::Terminate(const std::string& application_name) const {
  return std::stoi(Query(absl::StrCat(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
      "application_name = '",
      application_name, "'")));
}

bool Eventually(const std::function<bool()>& holds, absl::Duration limit) {
  for (const absl::Time end = absl::Now() + limit; absl::Now() < end; absl::SleepFor(absl::Milliseconds(5))) {
    if (holds()) return true;
  }
  return false;
}

}  // namespace signalbox::service

#include "signalbox/options.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace signalbox {
namespace {

class EnvironmentTest : public testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name :
         {"SIGNALBOX_ADDRESS", "SIGNALBOX_RUN", "SIGNALBOX_PROJECT", "SIGNALBOX_TOKEN",
          "SIGNALBOX_TOKEN_FILE", "SIGNALBOX_CA_FILE", "SIGNALBOX_CERT_FILE", "SIGNALBOX_KEY_FILE"}) {
      unsetenv(name);
    }
  }
};

TEST_F(EnvironmentTest, AnEmptyOneLeavesTheDefaults) {
  setenv("SIGNALBOX_ADDRESS", "", 1);
  const ClientOptions options = ClientOptions::FromEnvironment();
  EXPECT_EQ(options.address, "localhost:50051");
  EXPECT_EQ(options.token, "");
  EXPECT_TRUE(options.Validate().ok());
}

TEST_F(EnvironmentTest, IsReadWhole) {
  setenv("SIGNALBOX_ADDRESS", "a:1", 1);
  setenv("SIGNALBOX_TOKEN", "t", 1);
  setenv("SIGNALBOX_TOKEN_FILE", "tf", 1);
  setenv("SIGNALBOX_CA_FILE", "ca", 1);
  setenv("SIGNALBOX_CERT_FILE", "cert", 1);
  setenv("SIGNALBOX_KEY_FILE", "key", 1);
  const ClientOptions options = ClientOptions::FromEnvironment();
  EXPECT_EQ(options.address, "a:1");
  EXPECT_EQ(options.token, "t");
  EXPECT_EQ(options.token_file, "tf");
  EXPECT_EQ(options.ca_file, "ca");
  EXPECT_EQ(options.cert_file, "cert");
  EXPECT_EQ(options.key_file, "key");
}

TEST_F(EnvironmentTest, NamesTheRun) {
  EXPECT_EQ(RunFromEnvironment().status().message(), "no run given: SIGNALBOX_RUN is not set");
  setenv("SIGNALBOX_RUN", "job-7", 1);
  EXPECT_EQ(RunFromEnvironment()->id, "job-7");
  setenv("SIGNALBOX_RUN", "438", 1);
  const absl::Status no_project = RunFromEnvironment().status();
  EXPECT_EQ(no_project.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(no_project.message(), "rank 438 needs a project: SIGNALBOX_PROJECT is not set");
  setenv("SIGNALBOX_PROJECT", "org/name", 1);
  const auto by_rank = RunFromEnvironment();
  ASSERT_TRUE(by_rank.ok());
  EXPECT_EQ(by_rank->project, "org/name");
  EXPECT_EQ(by_rank->rank, 438);
  EXPECT_EQ(by_rank->id, "");
  setenv("SIGNALBOX_RUN", "job-7", 1);
  EXPECT_EQ(RunFromEnvironment()->id, "job-7") << "an id needs no project";
  EXPECT_EQ(RunFromEnvironment()->project, "");
}

// Each entry breaks one rule; the text must name the field.
struct BadOptions {
  const char* field;
  ClientOptions options;
};

TEST(ClientOptionsTest, NamesTheFieldThatIsWrong) {
  std::vector<BadOptions> all;
  const auto bad = [&all](const char* field) -> ClientOptions& {
    return all.emplace_back(BadOptions{field, {}}).options;
  };
  bad("address").address = "";
  ClientOptions& both = bad("token_file");
  both.token = "t";
  both.token_file = "f";
  bad("key_file").cert_file = "cert";
  bad("cert_file").key_file = "key";
  ClientOptions& no_ca = bad("ca_file");
  no_ca.cert_file = "cert";
  no_ca.key_file = "key";
  bad("token").token = "a\r\nb";
  ClientOptions& plaintext = bad("token");
  plaintext.address = "example.com:50051";
  plaintext.token = "t";
  bad("call_timeout").call_timeout = absl::ZeroDuration();
  for (const BadOptions& entry : all) {
    const absl::Status status = entry.options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry.field;
    EXPECT_EQ(status.message().substr(0, std::string(entry.field).size() + 1), std::string(entry.field) + ":")
        << status;
  }
}

TEST(ClientOptionsTest, ATokenMayGoToLoopbackOrOverTls) {
  ClientOptions options;
  options.token = "t";
  EXPECT_TRUE(options.Validate().ok());
  options.address = "example.com:50051";
  options.ca_file = "ca";
  EXPECT_TRUE(options.Validate().ok());
}

struct BadInboxOptions {
  const char* field;
  InboxOptions options;
};

TEST(InboxOptionsTest, NamesTheFieldThatIsWrong) {
  std::vector<BadInboxOptions> all;
  const auto bad = [&all](const char* field) -> InboxOptions& {
    InboxOptions& options = all.emplace_back(BadInboxOptions{field, {}}).options;
    options.run = RunRef::ById("r1");
    return options;
  };
  bad("run").run = {};
  bad("run").run = {"r1", "p", 1};
  bad("run").run = {"", "p", 0};
  bad("keys").keys = {""};
  bad("consumer").consumer = std::string(129, 'x');
  bad("refresh_interval").refresh_interval = absl::ZeroDuration();
  bad("silence_timeout").silence_timeout = -absl::Seconds(1);
  bad("min_backoff").min_backoff = absl::ZeroDuration();
  bad("max_backoff").max_backoff = absl::Milliseconds(1);
  bad("max_outstanding_acks").max_outstanding_acks = 0;
  for (const BadInboxOptions& entry : all) {
    const absl::Status status = entry.options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry.field;
    EXPECT_EQ(status.message().substr(0, std::string(entry.field).size() + 1), std::string(entry.field) + ":")
        << status;
  }
}

}  // namespace
}  // namespace signalbox

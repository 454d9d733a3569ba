#include <string>

#include "tests/unit/service/rpc/parser_test_support.h"

// The calls of RunService.

namespace signalbox::service {
namespace {

const RequestParser kParser{Limits()};

v1::CreateRunRequest GoodCreate() {
  v1::CreateRunRequest request;
  request.set_project("org/name");
  return request;
}

TEST(ParseCreateRunTest, EveryFieldArrives) {
  v1::CreateRunRequest request = GoodCreate();
  request.set_run_id("run-a");
  request.set_title("Title");
  (*request.mutable_labels())["host"] = "x";
  request.set_request_id("r");
  const absl::StatusOr<NewRun> run = kParser.Parse(request);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->project, "org/name");
  EXPECT_EQ(run->id, "run-a");
  EXPECT_EQ(run->title, "Title");
  EXPECT_EQ(run->labels.at("host"), "x");
  EXPECT_EQ(run->request_id, "r");
  EXPECT_EQ(run->fingerprint.size(), 32U);
  request.set_title("Other");
  EXPECT_NE(kParser.Parse(request)->fingerprint, run->fingerprint);
  request.clear_request_id();
  EXPECT_EQ(kParser.Parse(request)->fingerprint, "");
}

TEST(ParseCreateRunTest, ChecksEveryField) {
  using R = v1::CreateRunRequest;
  const auto label = [](R& r, const std::string& name, const std::string& value) {
    (*r.mutable_labels())[name] = value;
  };
  ExpectVerdicts<R>(
      GoodCreate(),
      {
          {[](R& r) { r.clear_project(); }, "INVALID_ARGUMENT: project is required"},
          {[](R& r) { r.set_project("A/b"); }, "INVALID_ARGUMENT: project must be"},
          {[](R& r) { r.set_project(std::string(128, 'p')); }, "OK"},
          {[](R& r) { r.set_project(std::string(129, 'p')); },
           "INVALID_ARGUMENT: project has 129 bytes; the limit is 128"},
          {[](R& r) { r.set_run_id(std::string(64, 'r')); }, "OK"},
          {[](R& r) { r.set_run_id(std::string(65, 'r')); }, "INVALID_ARGUMENT: run_id must be 1-64 bytes"},
          {[](R& r) { r.set_run_id("438"); }, "INVALID_ARGUMENT: run_id"},
          {[](R& r) { r.set_run_id("Run"); }, "INVALID_ARGUMENT: run_id"},
          {[](R& r) { r.set_title(std::string(256, 't')); }, "OK"},
          {[](R& r) { r.set_title(std::string(257, 't')); },
           "INVALID_ARGUMENT: title has 257 bytes; the limit is 256"},
          {[](R& r) { r.set_title(std::string("a\0", 2)); },
           "INVALID_ARGUMENT: title must not contain U+0000"},
          {[](R& r) { r.set_request_id(std::string(128, 'r')); }, "OK"},
          {[](R& r) { r.set_request_id(std::string(129, 'r')); },
           "INVALID_ARGUMENT: request_id has 129 bytes; the limit is 128"},
          {[&](R& r) { label(r, std::string(63, 'n'), std::string(63, 'v')); }, "OK"},
          {[&](R& r) { label(r, std::string(64, 'n'), "v"); },
           "INVALID_ARGUMENT: labels: a name has 64 bytes; the limit is 63"},
          {[&](R& r) { label(r, "host", std::string(64, 'v')); },
           "INVALID_ARGUMENT: labels['host'] has 64 bytes; the limit is 63"},
          {[&](R& r) { label(r, "", "v"); }, "INVALID_ARGUMENT: labels: a name is empty"},
          {[&](R& r) { label(r, "host", std::string("\0", 1)); },
           "INVALID_ARGUMENT: labels['host'] must not contain U+0000"},
          {[&](R& r) {
             for (int i = 0; i < 32; ++i) label(r, absl::StrCat("n", i), "");
           },
           "OK"},
          {[&](R& r) {
             for (int i = 0; i < 33; ++i) label(r, absl::StrCat("n", i), "");
           },
           "INVALID_ARGUMENT: labels has 33 elements; the limit is 32"},
          {[](R& r) { r.set_title(std::string(1 << 20, 't')); }, "INVALID_ARGUMENT: request has"},
      });
}

TEST(ParseGetRunTest, ChecksTheRun) {
  v1::GetRunRequest request;
  request.mutable_run()->set_id("run-a");
  ExpectRunIsChecked(request);
}

TEST(ParseListRunsTest, ChecksEveryField) {
  using R = v1::ListRunsRequest;
  ExpectVerdicts<R>(R(), SpoiledPages<R>());
  ExpectVerdicts<R>(R(),
                    {{[](R& r) { r.set_project("org/name"); }, "OK"},
                     {[](R& r) { r.set_project("Org"); }, "INVALID_ARGUMENT: project must be"},
                     {[](R& r) { r.set_state(static_cast<v1::RunState>(5)); }, "INVALID_ARGUMENT: state"},
                     {[](R& r) { (*r.mutable_labels())[""] = "x"; }, "INVALID_ARGUMENT: labels"}});
  EXPECT_EQ(kParser.Parse(R())->query.limit, 100);
}

TEST(ParseEndRunTest, NeedsAnOutcome) {
  using R = v1::EndRunRequest;
  R good;
  good.mutable_run()->set_id("run-a");
  good.set_outcome(v1::RUN_OUTCOME_STOPPED);
  EXPECT_EQ(kParser.Parse(good)->outcome, RunOutcome::kStopped);
  ExpectRunIsChecked(good);
  ExpectVerdicts<R>(
      good, {{[](R& r) { r.clear_outcome(); }, "INVALID_ARGUMENT: outcome is required"},
             {[](R& r) { r.set_outcome(static_cast<v1::RunOutcome>(8)); }, "INVALID_ARGUMENT: outcome"},
             {[](R& r) { r.mutable_run()->set_id("X"), r.clear_outcome(); }, "INVALID_ARGUMENT: outcome"}});
}

TEST(ParseDeclareKeysTest, ChecksEveryField) {
  using R = v1::DeclareKeysRequest;
  R good;
  good.mutable_run()->set_id("run-a");
  good.add_keys()->set_key("lr");
  ASSERT_TRUE(kParser.Parse(good).ok());
  EXPECT_EQ(kParser.Parse(good)->keys[0].kind, Kind::kCommand) << "unspecified is a command";
  ExpectRunIsChecked(good);
  const auto add = [](R& r, int count) {
    while (r.keys_size() < count) r.add_keys()->set_key(absl::StrCat("k", r.keys_size()));
  };
  ExpectVerdicts<R>(
      good, {
                {[](R& r) { r.clear_keys(); }, "INVALID_ARGUMENT: keys is required"},
                {[&](R& r) { add(r, 256); }, "OK"},
                {[&](R& r) { add(r, 257); }, "INVALID_ARGUMENT: keys has 257 elements; the limit is 256"},
                {[](R& r) { r.add_keys(); }, "INVALID_ARGUMENT: keys[1].key is required"},
                {[](R& r) { r.add_keys()->set_key("lr"); }, "INVALID_ARGUMENT: keys[1].key is given twice"},
                {[](R& r) { r.mutable_keys(0)->set_key(std::string(129, 'k')); },
                 "INVALID_ARGUMENT: keys[0].key has 129 bytes"},
                {[](R& r) { r.mutable_keys(0)->set_description(std::string(1024, 'd')); }, "OK"},
                {[](R& r) { r.mutable_keys(0)->set_description(std::string(1025, 'd')); },
                 "INVALID_ARGUMENT: keys[0].description has 1025 bytes; the limit is 1024"},
                {[](R& r) { r.mutable_keys(0)->set_kind(static_cast<v1::Kind>(9)); },
                 "INVALID_ARGUMENT: keys[0].kind"},
            });
}

}  // namespace
}  // namespace signalbox::service

#ifndef SIGNALBOX_TESTS_UNIT_SERVICE_RPC_PARSER_TEST_SUPPORT_H
#define SIGNALBOX_TESTS_UNIT_SERVICE_RPC_PARSER_TEST_SUPPORT_H

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "service/rpc/request_parser.h"

namespace signalbox::service {

/// "INVALID_ARGUMENT: …", or "OK".
template <typename Request>
std::string Verdict(const Request& request) {
  const absl::Status status = RequestParser(Limits()).Parse(request).status();
  return status.ok() ? "OK" : absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
}

/// A change of a good request, and what must be said of it (a part of Verdict()).
template <typename Request>
struct Spoiled {
  std::function<void(Request&)> change;
  std::string verdict;
};

template <typename Request>
void ExpectVerdicts(const Request& good, const std::vector<Spoiled<Request>>& table) {
  EXPECT_EQ(Verdict(good), "OK");
  for (const Spoiled<Request>& spoiled : table) {
    Request request = good;
    spoiled.change(request);
    EXPECT_THAT(Verdict(request), testing::HasSubstr(spoiled.verdict))
        << request.ShortDebugString().substr(0, 300);
  }
}

/// What is wrong with a run reference, for every request that has one.
template <typename Request>
void ExpectRunIsChecked(const Request& good) {
  const auto with = [&good](const std::string& id, const std::string& project, int64_t rank) {
    Request request = good;
    request.clear_run();
    if (!id.empty()) request.mutable_run()->set_id(id);
    if (!project.empty()) request.mutable_run()->set_project(project);
    if (rank != 0) request.mutable_run()->set_rank(rank);
    return Verdict(request);
  };
  using testing::StartsWith;
  EXPECT_EQ(with(std::string(64, 'r'), "", 0), "OK");
  EXPECT_EQ(with("", "org/name", 438), "OK");
  EXPECT_THAT(with("", "", 0), StartsWith("INVALID_ARGUMENT: run is required"));
  EXPECT_THAT(with("", "", 438), StartsWith("INVALID_ARGUMENT: run: rank 438 needs a project"));
  EXPECT_THAT(with("", "p", 0), StartsWith("INVALID_ARGUMENT: run: a project needs a rank"));
  EXPECT_THAT(with("", "p", -1), StartsWith("INVALID_ARGUMENT: run: rank must be greater than 0"));
  EXPECT_THAT(with("run-a", "p", 0), StartsWith("INVALID_ARGUMENT: run: give either"));
  EXPECT_THAT(with("run-a", "", 1), StartsWith("INVALID_ARGUMENT: run: give either"));
  EXPECT_THAT(with("run-a", "p", 1), StartsWith("INVALID_ARGUMENT: run: give either"));
  for (const std::string& id :
       {std::string("438"), std::string("A"), std::string("a b"), std::string(65, 'r')})
    EXPECT_THAT(with(id, "", 0), StartsWith("NOT_FOUND")) << id;
  EXPECT_THAT(with("", "Not/A/Project", 1), StartsWith("NOT_FOUND"));
}

/// A key, for every request that has a list of them.
template <typename Request>
std::vector<Spoiled<Request>> SpoiledKeys() {
  return {
      {[](Request& r) { r.add_keys(std::string(128, 'k')); }, "OK"},
      {[](Request& r) { r.add_keys(std::string(129, 'k')); }, "keys[0] has 129 bytes; the limit is 128"},
      {[](Request& r) { r.add_keys("good"), r.add_keys(""); }, "keys[1] is required"},
      {[](Request& r) { r.add_keys("a\tb"); }, "keys[0] must not contain control"},
      {[](Request& r) { r.add_keys(" a"); }, "keys[0] must not begin"},
      {[](Request& r) {
         for (int i = 0; i < 256; ++i) r.add_keys("k");
       },
       "OK"},
      {[](Request& r) {
         for (int i = 0; i < 257; ++i) r.add_keys("k");
       },
       "keys has 257 elements; the limit is 256"},
  };
}

/// Paging, for every list.
template <typename Request>
std::vector<Spoiled<Request>> SpoiledPages() {
  return {
      {[](Request& r) { r.set_page_size(1000000); }, "OK"},
      {[](Request& r) { r.set_page_size(-1); }, "INVALID_ARGUMENT: page_size must not be negative"},
      {[](Request& r) { r.set_page_token("garbage"); }, "INVALID_ARGUMENT: page_token is not one"},
      {[](Request& r) { r.set_page_token(Encode(PageToken{.query = 5})); },
       "page_token belongs to another query"},
      {[](Request& r) { r.set_page_token(Encode(Cursor{})); }, "INVALID_ARGUMENT: page_token is not one"},
  };
}

inline std::string AnId(int64_t sequence = 1) { return Encode(MessageId{1, sequence, 7}); }

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_UNIT_SERVICE_RPC_PARSER_TEST_SUPPORT_H

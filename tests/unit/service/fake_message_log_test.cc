#include "tests/support/fake_message_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/manual_clock.h"
#include "tests/support/message_log_contract.h"

// The fake that the other tests trust keeps the promises of the real log.

namespace signalbox::service {
namespace {

class FakeLogUnderTest final : public LogUnderTest {
 public:
  MessageLog& log() override { return log_; }
  PruningStore& pruning() override { return log_; }
  int64_t AddRun(const std::string& id, const std::string& project, int64_t rank) override {
    return log_.AddRun(id, project, rank);
  }
  void EndRun(int64_t run_no, RunOutcome outcome) override { log_.EndRun(run_no, outcome); }
  int64_t epoch() override { return log_.epoch(); }
  void LetShortTtlPass() override { clock_.Advance(kShortTtl); }

 private:
  ManualClock clock_;
  FakeMessageLog log_{clock_.AsFunction(), kContractMaxPending};
};

INSTANTIATE_TEST_SUITE_P(Fake, MessageLogContract,
                         testing::Values(MakeLog([] { return std::make_unique<FakeLogUnderTest>(); })));

}  // namespace
}  // namespace signalbox::service

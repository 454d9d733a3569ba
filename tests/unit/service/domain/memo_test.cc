#include "service/domain/memo.h"

#include <gtest/gtest.h>

#include <memory>

namespace signalbox::service {
namespace {

TEST(MemoTest, IsMadeOnceAndACopyMakesItsOwn) {
  const Memo memo;
  const std::string& made = memo.Get([] { return "first"; });
  EXPECT_EQ(made, "first");
  EXPECT_EQ(&memo.Get([] { return "second"; }), &made);
  EXPECT_EQ(made, "first");
  const auto copy = std::make_unique<Memo>(memo);
  EXPECT_EQ(copy->Get([] { return "third"; }), "third");
}

}  // namespace
}  // namespace signalbox::service

#include "snapshot_cell.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace signalbox::internal {
namespace {

TEST(SnapshotCellTest, IsEmptyAtFirstAndThenHoldsTheLastValue) {
  SnapshotCell<int> cell;
  EXPECT_EQ(cell.Load(), nullptr);
  for (int i = 0; i < 5; ++i) {
    cell.Store(std::make_shared<const int>(i));
    EXPECT_EQ(*cell.Load(), i);
  }
}

TEST(SnapshotCellTest, ReadersSeeWholeValuesThatNeverGoBack) {
  using Pair = std::pair<int, int>;
  SnapshotCell<Pair> cell;
  cell.Store(std::make_shared<const Pair>(0, 0));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!stop) {
        const auto value = cell.Load();
        if (value->first != value->second || value->first < last) ++wrong;
        last = value->first;
      }
    });
  }
  for (int i = 1; i <= 20000; ++i) cell.Store(std::make_shared<const Pair>(i, i));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace signalbox::internal

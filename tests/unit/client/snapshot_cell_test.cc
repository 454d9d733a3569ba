#include "snapshot_cell.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
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

TEST(SnapshotCellTest, AReplacedValueIsFreedAtOnceWhenNobodyReadsIt) {
  SnapshotCell<int> cell;
  const auto value = std::make_shared<const int>(1);
  cell.Store(value);
  EXPECT_EQ(value.use_count(), 2);
  cell.Store(nullptr);
  cell.FreeUnread();  // Held here, so it is kept.
  EXPECT_EQ(value.use_count(), 2);
  const std::weak_ptr<const int> other = [&cell] {
    cell.Store(std::make_shared<const int>(2));
    return cell.Load();
  }();
  cell.Store(nullptr);
  EXPECT_TRUE(other.expired());
}

TEST(SnapshotCellTest, AReplacedValueOutlivesItsReaderUntilTheWriterFreesIt) {
  SnapshotCell<int> cell;
  cell.Store(std::make_shared<const int>(1));
  std::shared_ptr<const int> reader = cell.Load();
  const std::weak_ptr<const int> value = reader;
  for (int i = 2; i <= 5; ++i) cell.Store(std::make_shared<const int>(i));
  EXPECT_EQ(*reader, 1);
  reader.reset();
  EXPECT_FALSE(value.expired());
  cell.FreeUnread();
  EXPECT_TRUE(value.expired());
}

// Tells when it is destroyed by another thread than the one that made it.
class HomeBody {
 public:
  explicit HomeBody(std::atomic<int>& strays) : strays_(strays) {}
  HomeBody(const HomeBody&) = delete;
  HomeBody& operator=(const HomeBody&) = delete;
  ~HomeBody() {
    if (std::this_thread::get_id() != home_) ++strays_;
  }

 private:
  std::atomic<int>& strays_;
  const std::thread::id home_ = std::this_thread::get_id();
};

TEST(SnapshotCellTest, OnlyTheWriterFrees) {
  std::atomic<int> strays{0};
  SnapshotCell<HomeBody> cell;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto held = cell.Load();
        std::this_thread::yield();  // The writer replaces it more than once meanwhile.
      }
    });
  }
  for (int i = 0; i < 20000; ++i) cell.Store(std::make_shared<const HomeBody>(strays));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(strays, 0);
}

}  // namespace
}  // namespace signalbox::internal

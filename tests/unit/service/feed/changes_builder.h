#ifndef SIGNALBOX_TESTS_UNIT_SERVICE_FEED_CHANGES_BUILDER_H
#define SIGNALBOX_TESTS_UNIT_SERVICE_FEED_CHANGES_BUILDER_H

#include <memory>
#include <string>
#include <utility>

#include "service/domain/run_changes.h"

namespace signalbox::service {

/// Puts a RunChanges together in one expression:
///   Changes({1, 0}, {3, 1}).Withdrawn(1).Message(2).Message(3).Make()
class Changes {
 public:
  Changes(const Position& from, const Position& to) {
    changes_.run_no = 1;
    changes_.epoch = 1;
    changes_.from = from;
    changes_.to = to;
    changes_.head = to;
  }

  Changes& Message(int64_t sequence, const std::string& key = "k",
                   absl::Time expire_time = absl::InfiniteFuture()) {
    auto message = std::make_shared<service::Message>();
    message->id = {1, sequence, sequence};
    message->key = key;
    message->expire_time = expire_time;
    changes_.messages.push_back(std::move(message));
    return *this;
  }
  Changes& LargeMessage(int64_t sequence, size_t bytes) {
    auto message = std::make_shared<service::Message>();
    message->id = {1, sequence, sequence};
    message->value = std::string(bytes, 'x');
    changes_.messages.push_back(std::move(message));
    return *this;
  }
  Changes& Withdrawn(int64_t sequence, const std::string& key = "k") {
    changes_.withdrawals.push_back(
        {{1, sequence, sequence}, key, MessageState::kAcked, "w", changes_.from.change + 1});
    return *this;
  }
  Changes& Ended(RunOutcome outcome) {
    changes_.ended = outcome;
    return *this;
  }
  RunChanges Value() const { return changes_; }
  std::shared_ptr<const RunChanges> Make() const { return std::make_shared<const RunChanges>(changes_); }

 private:
  RunChanges changes_;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_TESTS_UNIT_SERVICE_FEED_CHANGES_BUILDER_H
